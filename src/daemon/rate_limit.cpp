#include "daemon/rate_limit.hpp"

namespace nsenterd::daemon {

bool RateLimit::admits(RecordKind kind, Clock::time_point now) {
  if (limit_ == 0) return true;
  Window& window = windows_.at(static_cast<std::size_t>(kind));
  if (is_over(window, now)) {
    window.begin = now;
    window.admitted = 0;
    window.to_say += std::exchange(window.suppressed, 0);
  }
  if (window.admitted < limit_) {
    ++window.admitted;
    return true;
  }
  ++window.suppressed;
  ++not_said_;
  ++suppressed_;
  return false;
}

std::optional<std::pair<RecordKind, std::uint64_t>> RateLimit::take_suppressed(Clock::time_point now) {
  for (std::size_t i = 0; i < windows_.size() && not_said_ > 0; ++i) {
    Window& window = windows_[i];
    if (is_over(window, now)) window.to_say += std::exchange(window.suppressed, 0);
    if (window.to_say == 0) continue;
    not_said_ -= window.to_say;
    return std::pair(static_cast<RecordKind>(i), std::exchange(window.to_say, 0));
  }
  return std::nullopt;
}

}  // namespace nsenterd::daemon
