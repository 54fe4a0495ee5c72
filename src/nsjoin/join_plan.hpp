// What a new agent is to join and to create. Travels to the fork server as it is in memory: both ends are of
// one build. (Daemon side and forked child.)
#pragma once

#include <cstdint>

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nsenterd::nsjoin {

/// Every namespace flag there is (namespaces(7)).
inline constexpr std::uint32_t kAllNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                                CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME;

struct JoinPlan {
  /// CLONE_NEW* bits of the target's namespaces to join.
  std::uint32_t join = 0;
  /// CLONE_NEW* bits of the namespaces to join that somebody has opened; none of `join`.
  std::uint32_t join_opened = 0;
  /// CLONE_NEW* bits of the namespaces to create afterwards, owned by the user namespace that was joined.
  std::uint32_t create = 0;
  /// Make a detached procfs of the target's pid namespace, and a detached sysfs of its network namespace.
  bool private_procfs = false;
  bool private_sysfs = false;
  /// Change root, and working directory, to those that somebody has opened.
  bool has_root = false;
  bool has_working_directory = false;
  /// Leave standard output and standard error as the fork server has them, /dev/null, where whatever a program prints is lost.
  bool keeps_output = false;

  friend constexpr bool operator==(const JoinPlan&, const JoinPlan&) noexcept = default;
};

/// Namespaces that only a process's children enter when they are created (unshare(2)), so that creating them
/// takes another fork.
inline constexpr std::uint32_t kEnteredByChildren = CLONE_NEWPID | CLONE_NEWTIME;

/// Whether the process that joins stays outside the target's pid namespace, and its child becomes the agent.
/// To map the ids of a new user namespace a process must be dumpable for a moment; the container's root could
/// trace it then, if it could name it.
constexpr bool joins_pid_late(const JoinPlan& plan) noexcept {
  return ((plan.join | plan.join_opened) & CLONE_NEWPID) != 0 && (plan.create & CLONE_NEWUSER) != 0;
}

/// How many forks follow that of the fork server until the agent is there.
constexpr int later_forks(const JoinPlan& plan) noexcept {
  return (joins_pid_late(plan) ? 1 : 0) + ((plan.create & kEnteredByChildren) != 0 ? 1 : 0);
}

inline constexpr int kMaxLaterForks = 2;

}  // namespace nsenterd::nsjoin
