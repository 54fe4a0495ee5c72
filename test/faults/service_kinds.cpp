// What may happen to the fork server and to the daemon.
#include <atomic>
#include <cerrno>

#include <sys/syscall.h>

#include "faults/faults.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

Kind fork_server_kind(std::string name, Moment moment, Fault fault, std::set<std::string> outcomes) {
  return {.name = "a fork server " + std::move(name),
          .when = {Party::fork_server, moment, moment.call == SYS_recvmsg},
          .fault = std::move(fault),
          .request = read_small,
          .outcomes = std::move(outcomes),
          .concerns_all = true};
}

Kind slow(Kind kind) {
  kind.is_slow = true;
  return kind;
}

Kind daemon_kind(std::string name, Moment moment, Fault fault, std::set<std::string> outcomes,
                 bool concerns_all = false) {
  return {.name = "a daemon " + std::move(name),
          .when = {Party::daemon, moment},
          .fault = std::move(fault),
          .request = read_small,
          .outcomes = std::move(outcomes),
          .concerns_all = concerns_all};
}

/// The daemon may open only a few descriptors more than it has: another number of them each time.
int leave_few_descriptors(Scene& scene, const Exchange& /*exchange*/, pid_t /*caught*/) {
  static std::atomic<unsigned> calls = 0;
  scene.limit_descriptors(descriptors_of(scene.daemon().pid()).size() + calls++ % 8);
  return 0;
}

}  // namespace

std::vector<Kind> fork_server_kinds() {
  constexpr Moment kIdle{SYS_recvmsg};
  constexpr Moment kEntersPid{SYS_setns};
  constexpr Moment kForks{SYS_clone3};
  constexpr Moment kLeavesPid{SYS_setns, 2};
  constexpr Moment kReplies{SYS_sendmsg};
  const std::set<std::string> perhaps{"JoinFailed", "response"};
  std::vector<Kind> kinds{
      fork_server_kind("is killed when idle", kIdle, signal_it(SIGKILL), perhaps),
      fork_server_kind("is killed when it enters a pid namespace", kEntersPid, signal_it(SIGKILL),
                       {"JoinFailed"}),
      fork_server_kind("is killed when it forks", kForks, signal_it(SIGKILL), {"JoinFailed"}),
      fork_server_kind("is killed when it leaves a pid namespace", kLeavesPid, signal_it(SIGKILL),
                       {"JoinFailed"}),
      fork_server_kind("is killed when it replies", kReplies, signal_it(SIGKILL), {"JoinFailed"}),
      // Its requests wait for two seconds before it is replaced.
      slow(fork_server_kind("is stopped when idle", kIdle, signal_it(SIGSTOP), {"TimedOut", "JoinFailed"})),
      slow(fork_server_kind("is stopped when it forks", kForks, signal_it(SIGSTOP), {"TimedOut"})),
      slow(fork_server_kind("is stopped when it leaves a pid namespace", kLeavesPid, signal_it(SIGSTOP),
                            {"TimedOut"})),
      slow(fork_server_kind("is stopped when it replies", kReplies, signal_it(SIGSTOP), {"response"})),
      fork_server_kind("cannot enter a pid namespace", kEntersPid, fail_with(ENOMEM), {"JoinFailed"}),
      fork_server_kind("cannot leave a pid namespace", kLeavesPid, fail_with(ENOMEM), {"JoinFailed"}),
      fork_server_kind("may have no more processes", kForks, fail_with(EAGAIN), {"JoinFailed"}),
      fork_server_kind("has no memory for a process", kForks, fail_with(ENOMEM), {"JoinFailed"}),
      fork_server_kind("cannot reply", kReplies, fail_with(ENOBUFS), {"JoinFailed"}),
      fork_server_kind("may have no more descriptors", kIdle, limit_it(RLIMIT_NOFILE, 4), perhaps),
  };
  Kind beside = fork_server_kind("is killed when an agent receives its request", {SYS_recvfrom},
                                 signal_fork_server(SIGKILL), perhaps);
  beside.when.party = Party::agent;
  kinds.push_back(beside);
  beside = slow(fork_server_kind("is stopped when an agent receives its request", {SYS_recvfrom},
                                 signal_fork_server(SIGSTOP), {"response", "TimedOut"}));
  beside.when.party = Party::agent;
  kinds.push_back(beside);
  return kinds;
}

std::vector<Kind> daemon_kinds() {
  const std::set<std::string> perhaps{"JoinFailed", "response"};
  const std::set<std::string> in_time{"JoinFailed", "AgentDied", "TimedOut", "response"};
  constexpr Moment kAccepts{SYS_accept4};
  constexpr Moment kAsksWho{.call = SYS_getsockopt, .after = SYS_accept4};
  constexpr Moment kWatchesConnection{.call = SYS_epoll_ctl, .after = SYS_accept4};
  std::vector<Kind> kinds{
      daemon_kind("cannot send to the fork server", {SYS_sendmsg}, fail_with(ENOBUFS), {"JoinFailed"}),
      daemon_kind("has no descriptors for an agent's socket", {SYS_socketpair}, fail_with(EMFILE),
                  {"JoinFailed"}),
      daemon_kind("cannot wait for an agent's socket", {SYS_epoll_ctl}, fail_with(ENOSPC), {"JoinFailed"}),
      daemon_kind("cannot wait for a second descriptor", {SYS_epoll_ctl, 2}, fail_with(ENOSPC), in_time,
                  true),
      daemon_kind("cannot wait for a third descriptor", {SYS_epoll_ctl, 3}, fail_with(ENOSPC), in_time, true),
      daemon_kind("is interrupted when it waits", {SYS_epoll_wait}, fail_with(EINTR), {"response"}),
      daemon_kind("has few descriptors left", {}, leave_few_descriptors, in_time, true),
      // (That agent may be the neighbour's.)
      slow(daemon_kind("cannot send to an agent", {SYS_sendto}, fail_with(EPIPE), in_time, true)),
  };
  const auto by_anybody = [&](Kind kind) {
    kind.when.by_anybody = true;
    kinds.push_back(std::move(kind));
  };
  by_anybody(daemon_kind("has no descriptor for a connection", kAccepts, fail_with(EMFILE), {"response"}));
  by_anybody(
      daemon_kind("accepts a connection that was aborted", kAccepts, fail_with(ECONNABORTED), {"response"}));
  by_anybody(daemon_kind("cannot tell whose a connection is", kAsksWho, fail_with(ENOBUFS), {"closed"}));
  by_anybody(daemon_kind("cannot wait for a connection", kWatchesConnection, fail_with(ENOSPC), {"closed"}));
  by_anybody(
      daemon_kind("has no descriptor for a target", {SYS_pidfd_open}, fail_with(EMFILE), perhaps, true));
  by_anybody(daemon_kind("is interrupted when it reaps", {SYS_waitid}, fail_with(EINTR), {"response"}));
  return kinds;
}

}  // namespace nsenterd::test
