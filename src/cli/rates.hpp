// What happens in a second: the difference between two replies of GetStatistics (nsenterctl).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cli/statistics.hpp"

namespace nsenterd::cli {

/// Each in a second.
struct Rate {
  double requests = 0;
  double error_responses = 0;
  double failures = 0;
};

struct MessageRate {
  std::string message;
  Rate rate;
  /// In microseconds, since the daemon's start: the daemon has no others.
  std::uint64_t median = 0;
  std::uint64_t p99 = 0;
};

struct TargetRate {
  pid_t pid = 0;
  Rate rate;
  /// In microseconds, of the requests of the interval; nothing where there were none.
  std::optional<std::uint64_t> mean;
};

struct Rates {
  std::chrono::duration<double> interval{};
  Rate all;
  /// Both begin with the most requests.
  std::vector<MessageRate> messages;
  /// Without those whose number is not known.
  std::vector<TargetRate> targets;
};

/// A count that is lower than before is another process's of the same number, or begins anew: all of it is new then.
Rates rates_between(const Statistics& before, const Statistics& after,
                    std::chrono::duration<double> interval);

}  // namespace nsenterd::cli
