// What travels between a service and its fork server: one SOCK_SEQPACKET message each way for every agent, as
// it is in memory, since both ends are of one build. No heap. (Both sides.)
#pragma once

#include <cstdint>

#include "nsjoin/join_plan.hpp"
#include "nsjoin/step.hpp"

namespace nsenterd::launch {

/// Carries the agent's end of the event's socketpair, and what the plan asks for (nsjoin::Places).
struct SpawnRequest {
  std::uint64_t id = 0;
  nsjoin::JoinPlan plan;
};

/// Carries the child's pidfd, unless `failure` says why there is none. The first reply has id 0 and no
/// descriptor: the fork server is ready, or why it is not.
struct SpawnReply {
  std::uint64_t id = 0;
  /// As the fork server's pid namespace numbers it.
  std::int32_t pid = 0;
  nsjoin::StepFailure failure;
};

/// The name that a fork server is started under (argv[0]): what its constructor recognises it by.
inline constexpr char kForkServerName[] = "nsenterd-fork-server";

/// The descriptor of the control socket in a fork server.
inline constexpr int kControlSocket = 3;

}  // namespace nsenterd::launch
