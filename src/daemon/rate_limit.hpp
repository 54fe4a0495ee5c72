// So many records of a kind within a time, and no more (daemon).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "daemon/log_record.hpp"

namespace nsenterd::daemon {

class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// A limit of 0 is none.
  RateLimit(std::size_t limit, std::chrono::milliseconds interval) : limit_(limit), interval_(interval) {}

  /// Another limit, from now on.
  void set_limit(std::size_t limit, std::chrono::milliseconds interval) {
    limit_ = limit;
    interval_ = interval;
  }

  /// Whether one more may be written now. One that may not is counted.
  bool admits(RecordKind kind, Clock::time_point now);

  /// A kind of which records were suppressed in an interval that is over, and how many; nothing when there is none left. `now`
  /// is the clock's latest for all intervals.
  std::optional<std::pair<RecordKind, std::uint64_t>> take_suppressed(Clock::time_point now);

  /// All that ever were.
  [[nodiscard]] std::uint64_t suppressed() const noexcept { return suppressed_; }

 private:
  struct Window {
    Clock::time_point begin = Clock::time_point::min();
    std::size_t admitted = 0;
    std::uint64_t suppressed = 0;
    // Of windows before, and not said yet.
    std::uint64_t to_say = 0;
  };

  [[nodiscard]] bool is_over(const Window& window, Clock::time_point now) const {
    return window.begin == Clock::time_point::min() || now >= window.begin + interval_;
  }

  std::size_t limit_;
  std::chrono::milliseconds interval_;
  std::array<Window, kRecordKinds.size()> windows_;
  // In all windows together: most of the time nothing has to be looked for.
  std::uint64_t not_said_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace nsenterd::daemon
