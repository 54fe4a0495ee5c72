// Enters the namespaces of a plan (runs in the forked child, before anything else of the program). Allocates
// nothing, throws nothing, logs nothing.
#pragma once

#include "nsjoin/join_plan.hpp"
#include "nsjoin/step.hpp"

namespace nsenterd::nsjoin {

/// Where the forked child keeps its descriptors. Everything else is closed before the join, so that the
/// container finds nothing of the host in the agent. The event's socket takes the place of the standard
/// streams: a stray line of a C library then goes to the daemon, never into a file of the container.
inline constexpr int kSocket = 0;
inline constexpr int kTarget = 3;

/// The private mounts' descriptors; -1 where the plan asked for none. The agent owns them.
struct PrivateMounts {
  int procfs = -1;
  int sysfs = -1;
};

/// Moves `socket` to 0, 1 and 2 and `target` (a pidfd, or -1) to kTarget, and closes everything else.
StepFailure place_descriptors(int socket, int target) noexcept;

/// Joins the namespaces of `plan`, then creates those of its new ones that a process can enter without a
/// fork. In a joined or created user namespace the caller becomes root. kTarget is closed afterwards. The
/// caller was forked into the target's pid namespace, unless joins_pid_late(): then its next child will be.
/// Needs the descriptors of place_descriptors().
StepFailure join(const JoinPlan& plan, PrivateMounts& mounts) noexcept;

/// Creates the namespaces of `plan` that only the caller's next child enters.
StepFailure create_for_children(const JoinPlan& plan) noexcept;

/// What is left to do in the process that becomes the agent: working directory, ptrace and core dumps
/// refused, death with its parent. `error` is ECONNRESET if the parent is gone already.
StepFailure settle() noexcept;

}  // namespace nsenterd::nsjoin
