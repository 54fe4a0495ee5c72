// What is counted of events: by message, by target, and by step (daemon).
#pragma once

#include <cstdint>

#include <nsenterd/failure.hpp>

#include "daemon/client_pids.hpp"
#include "daemon/event_registry.hpp"
#include "daemon/statistics.hpp"
#include "daemon/target_table.hpp"
#include "varlink/call.hpp"

namespace nsenterd::daemon {

class EventCounts {
 public:
  /// Counts every message that has been answered; where none is answered, the first is what failed.
  void record(const ClientEvent& client, const Result<void>& result);
  /// What the time went to of an event that has been answered by an agent, and whose response by this call.
  void record_steps(const varlink::CallTimes& call, const ClientEvent& client,
                    Statistics::Clock::time_point encoded);

  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }

  // The lists of GetStatistics.
  [[nodiscard]] wire::Json messages() const;
  [[nodiscard]] wire::Json steps() const;
  /// As the reader's pid namespace numbers them. Those that have ended are forgotten before.
  wire::Json targets(ClientPids& pids, const varlink::Peer& reader);

 private:
  Statistics statistics_;
  TargetTable targets_;
};

}  // namespace nsenterd::daemon
