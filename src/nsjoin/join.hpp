// Enters the namespaces of a plan (runs in the forked child, before anything else of the program). Allocates
// nothing, throws nothing, logs nothing.
#pragma once

#include <span>

#include "nsjoin/descriptors.hpp"
#include "nsjoin/join_plan.hpp"
#include "nsjoin/step.hpp"

namespace nsenterd::nsjoin {

/// The private mounts' descriptors; -1 where the plan asked for none. The agent owns them.
struct PrivateMounts {
  int procfs = -1;
  int sysfs = -1;
};

/// Moves `socket` to 0, 1 and 2 (or, where the plan keeps the output, only to 0), and `others` to where places_of() says, in this
/// order, and closes everything else.
StepFailure place_descriptors(const JoinPlan& plan, int socket, std::span<const int> others) noexcept;

/// Joins the namespaces of `plan`, goes to its directories, then creates those of its new namespaces that a process can enter
/// without a fork. In a joined or created user namespace the caller becomes root. What the plan asked for is closed afterwards. The
/// caller was forked into the pid namespace to be joined, unless joins_pid_late(): then its next child will be.
/// Needs the descriptors of place_descriptors().
StepFailure join(const JoinPlan& plan, PrivateMounts& mounts) noexcept;

/// Creates the namespaces of `plan` that only the caller's next child enters.
StepFailure create_for_children(const JoinPlan& plan) noexcept;

/// What is left to do in the process that becomes the agent: working directory, unless the plan has one, ptrace and core dumps
/// refused, death with its parent. `error` is ECONNRESET if the parent is gone already.
StepFailure settle(const JoinPlan& plan) noexcept;

}  // namespace nsenterd::nsjoin
