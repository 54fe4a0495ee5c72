#include "daemon/statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace nsenterd::daemon {

void Durations::record(std::chrono::steady_clock::duration duration) noexcept {
  const std::int64_t count = std::chrono::nanoseconds(duration).count();
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  // The highest bits choose the class: as many as fit, until there is one to each power of two.
  const auto magnitude = static_cast<unsigned>(std::bit_width(nanoseconds >> kFineBits));
  const std::uint64_t fine =
      magnitude == 0 ? nanoseconds : (nanoseconds >> (magnitude - 1)) - (1U << kFineBits);
  ++counts_[(static_cast<std::size_t>(magnitude) << kFineBits) + fine];
  ++total_;
  sum_ += nanoseconds;
}

std::uint64_t Durations::shorter_than(unsigned exponent) const noexcept {
  // Where the class of that duration begins.
  const std::size_t end = exponent < kFineBits
                              ? std::size_t{1} << exponent
                              : static_cast<std::size_t>(exponent - kFineBits + 1) << kFineBits;
  return std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(end),
                         std::uint64_t{0});
}

std::uint64_t Durations::percentile(double fraction) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size() && total_ > 0; ++i) {
    seen += counts_[i];
    if (seen < wanted) continue;
    const auto magnitude = static_cast<unsigned>(i >> kFineBits);
    const std::uint64_t fine = i & ((1U << kFineBits) - 1);
    if (magnitude == 0) return fine;
    // The upper end of the class.
    return ((fine + (1U << kFineBits) + 1) << (magnitude - 1)) - 1;
  }
  return 0;
}

void Statistics::record(const std::string& message, EventOutcome outcome, Clock::duration duration) {
  MessageStatistics& statistics = messages_[message];
  ++statistics.requests;
  if (outcome == EventOutcome::error_response) ++statistics.error_responses;
  if (is_failure(outcome)) ++statistics.failures;
  ++statistics.outcomes.at(static_cast<std::size_t>(outcome));
  statistics.durations.record(duration);
}

}  // namespace nsenterd::daemon
