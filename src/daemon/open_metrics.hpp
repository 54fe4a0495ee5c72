// The daemon's metrics (daemon). docs/observability.md lists them.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/audit.hpp"
#include "daemon/metrics_text.hpp"
#include "daemon/statistics.hpp"

namespace nsenterd::daemon {

/// What is the case now, and what is counted elsewhere.
struct MetricsState {
  std::uint64_t events_running = 0;
  std::uint64_t agents_warm = 0;
  std::uint64_t agents_stuck = 0;
  std::uint64_t connections = 0;
  std::uint64_t fork_server_restarts = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t records_suppressed = 0;
};

std::string metrics_text(MetricsFormat format, const Statistics& statistics, const Refusals& refusals,
                         const MetricsState& state);

}  // namespace nsenterd::daemon
