// What may happen to an agent, at each of its steps.
#include <cerrno>
#include <span>

#include <sys/syscall.h>

#include "faults/faults.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr std::size_t kTogether = 25;

struct Step {
  const char* name;
  long call;
};

// In this order, from the fork on.
constexpr Step kSteps[] = {
    {"places its descriptors", SYS_dup3}, {"closes what it inherited", SYS_close_range},
    {"joins the namespaces", SYS_setns},  {"becomes root", SYS_setresuid},
    {"changes to the root", SYS_chdir},   {"receives the request", SYS_recvfrom},
    {"opens the file", SYS_openat2},      {"reads the file", SYS_pread64},
    {"sends the response", SYS_sendmsg},  {"exits", SYS_exit_group},
};

// Of one that forks once more, in the new pid namespace.
constexpr Step kStepsOfParent[] = {
    {"creates a namespace", SYS_unshare},
    {"makes a pipe", SYS_pipe2},
    {"forks its successor", SYS_clone3},
    {"tells of its successor", SYS_sendmsg},
};
constexpr Step kStepsOfSuccessor[] = {
    {"waits for its parent's end", SYS_read},
    {"changes to the root", SYS_chdir},
};

Kind agent_kind(std::string name, long call, Fault fault, std::set<std::string> outcomes,
                Json (*request)(pid_t) = read_small) {
  return {.name = "an agent " + std::move(name),
          .when = {Party::agent, {call}},
          .fault = std::move(fault),
          .request = request,
          .outcomes = std::move(outcomes),
          .at_once = kTogether,
          .may_miss = call == SYS_exit_group};
}

void add_kills_and_stops(std::vector<Kind>& kinds, std::span<const Step> steps, const std::string& who,
                         Json (*request)(pid_t)) {
  for (const auto& [step, call] : steps) {
    const bool answered = call == SYS_exit_group;
    // A call that does not wait is made before the process stops.
    const bool sends = call == SYS_sendmsg && request == read_small;
    kinds.push_back(agent_kind(who + "is killed when it " + step, call, signal_it(SIGKILL),
                               {answered ? "response" : "AgentDied"}, request));
    kinds.push_back(agent_kind(who + "is stopped when it " + step, call, signal_it(SIGSTOP),
                               {answered || sends ? "response" : "TimedOut"}, request));
  }
}

}  // namespace

std::vector<Kind> agent_kinds() {
  std::vector<Kind> kinds;
  add_kills_and_stops(kinds, kSteps, "", read_small);
  kinds.push_back(agent_kind("is stopped when it sends a large response", SYS_sendmsg, signal_it(SIGSTOP),
                             {"TimedOut"}, read_large));
  kinds.push_back(agent_kind("crashes", SYS_openat2, signal_it(SIGSEGV), {"AgentDied"}));
  kinds.push_back(agent_kind("is killed when it makes its procfs", SYS_fsmount, signal_it(SIGKILL),
                             {"AgentDied"}, read_private));
  kinds.push_back(
      agent_kind("cannot make its procfs", SYS_fsopen, fail_with(ENOMEM), {"JoinFailed"}, read_private));
  kinds.push_back(agent_kind("has no descriptor for its socket", SYS_dup3, fail_with(EMFILE), {"AgentDied"}));
  kinds.push_back(agent_kind("cannot close descriptors", SYS_close_range, fail_with(ENOMEM), {"AgentDied"}));
  kinds.push_back(agent_kind("may not join", SYS_setns, fail_with(EPERM), {"JoinFailed"}));
  kinds.push_back(agent_kind("cannot become root", SYS_setresuid, fail_with(EAGAIN), {"JoinFailed"}));
  kinds.push_back(agent_kind("cannot change to the root", SYS_chdir, fail_with(EACCES), {"JoinFailed"}));
  kinds.push_back(agent_kind("cannot receive the request", SYS_recvfrom, fail_with(ENOMEM), {"AgentDied"}));
  kinds.push_back(agent_kind("cannot send the response", SYS_sendmsg, fail_with(ENOBUFS), {"AgentDied"}));
  kinds.push_back(agent_kind("cannot read", SYS_pread64, fail_with(EIO), {"error response"}));
  kinds.push_back(agent_kind("has no descriptors for a file", SYS_openat2, limit_it(RLIMIT_NOFILE, 0),
                             {"error response"}));
  // (The sanitizers' own memory counts as well.)
  if (!kKeepsFreedMemory) {
    kinds.push_back(agent_kind("has no memory", SYS_recvfrom, limit_it(RLIMIT_AS, 0),
                               {"error response", "AgentDied"}, read_large));
  }
  return kinds;
}

std::vector<Kind> agent_of_several_forks_kinds() {
  constexpr auto* kRequest = read_in_new_pid_namespace;
  std::vector<Kind> kinds;
  add_kills_and_stops(kinds, kStepsOfParent, "of several forks ", kRequest);
  add_kills_and_stops(kinds, kStepsOfSuccessor, "that was forked by another ", kRequest);
  kinds.push_back(
      agent_kind("may not create a namespace", SYS_unshare, fail_with(ENOSPC), {"JoinFailed"}, kRequest));
  kinds.push_back(
      agent_kind("has no descriptors for a pipe", SYS_pipe2, fail_with(EMFILE), {"JoinFailed"}, kRequest));
  kinds.push_back(
      agent_kind("may not fork its successor", SYS_clone3, fail_with(EAGAIN), {"JoinFailed"}, kRequest));
  return kinds;
}

}  // namespace nsenterd::test
