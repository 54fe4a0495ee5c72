// What GetStatistics says (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/json.hpp"

namespace nsenterd::cli {

struct MessageCounts {
  std::string message;
  std::uint64_t requests = 0;
  std::uint64_t error_responses = 0;
  std::uint64_t failures = 0;
  /// In microseconds.
  std::uint64_t median = 0;
  std::uint64_t p99 = 0;
};

struct StepTimes {
  std::string step;
  std::uint64_t count = 0;
  /// In nanoseconds.
  std::uint64_t median = 0;
  std::uint64_t p99 = 0;
};

struct TargetCounts {
  /// 0 if this process's pid namespace does not show it.
  std::int32_t pid = 0;
  std::uint64_t requests = 0;
  std::uint64_t error_responses = 0;
  std::uint64_t failures = 0;
  /// In microseconds.
  std::uint64_t total = 0;
};

struct Statistics {
  /// In seconds.
  std::uint64_t uptime = 0;
  std::uint64_t running = 0;
  std::uint64_t warm = 0;
  std::uint64_t stuck = 0;
  std::uint64_t clients = 0;
  std::vector<MessageCounts> messages;
  std::vector<StepTimes> steps;
  std::vector<TargetCounts> targets;
};

/// Nothing if the reply is malformed.
std::optional<Statistics> decode_statistics(const wire::Json& reply);

}  // namespace nsenterd::cli
