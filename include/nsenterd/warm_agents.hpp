// WarmAgentLimits: which agents a service keeps for events to come.
#pragma once

#include <chrono>
#include <cstddef>

namespace nsenterd {

/// How agents are kept after an event, so that the next one of the same kind finds its namespaces joined already.
struct WarmAgentLimits {
  /// Agents kept at most, of all targets (0: none is kept) and of one. Where there is one too many, that which has been idle
  /// for the longest time is ended.
  std::size_t agents = 256;
  std::size_t agents_of_target = 64;
  /// How long one is kept idle, and for how long after its start it is kept at all.
  std::chrono::milliseconds idle_time = std::chrono::seconds(10);
  std::chrono::milliseconds age = std::chrono::minutes(1);

  friend bool operator==(const WarmAgentLimits&, const WarmAgentLimits&) = default;
};

}  // namespace nsenterd
