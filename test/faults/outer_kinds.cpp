// What may happen to those whom the daemon serves: the target, and the client.
#include <sys/syscall.h>

#include "faults/faults.hpp"

namespace nsenterd::test {
namespace {

struct OuterStep {
  const char* name;
  When when;
};

const OuterStep kOuterSteps[] = {
    {"the daemon makes the agent's socket", {Party::daemon, {SYS_socketpair}}},
    {"the daemon asks for an agent", {Party::daemon, {SYS_sendmsg}}},
    {"the fork server enters its pid namespace", {Party::fork_server, {SYS_setns}}},
    {"the fork server forks", {Party::fork_server, {SYS_clone3}}},
    {"the fork server replies", {Party::fork_server, {SYS_sendmsg}}},
    {"the agent closes what it inherited", {Party::agent, {SYS_close_range}}},
    {"the agent joins", {Party::agent, {SYS_setns}}},
    {"the agent receives the request", {Party::agent, {SYS_recvfrom}}},
    {"the agent opens the file", {Party::agent, {SYS_openat2}}},
    {"the agent sends the response", {Party::agent, {SYS_sendmsg}}},
    {"the agent exits", {Party::agent, {SYS_exit_group}}},
};

}  // namespace

std::vector<Kind> target_kinds() {
  std::vector<Kind> kinds;
  const auto add = [&](const std::string& name, const When& when, int signal, std::set<std::string> outcomes,
                       Json (*request)(pid_t) = read_small) {
    kinds.push_back({.name = "a target " + name,
                     .when = when,
                     .fault = signal_target(signal),
                     .request = request,
                     .outcomes = std::move(outcomes),
                     .may_miss = when.moment.call == SYS_exit_group});
  };
  for (const auto& [step, when] : kOuterSteps) {
    // The response may have been sent before the agent was killed with its namespace.
    add(std::string("is killed when ") + step, when, SIGKILL, {"NoSuchTarget", "AgentDied", "response"});
  }
  add("is killed when an agent of several forks forks", {Party::agent, {SYS_clone3}}, SIGKILL,
      {"NoSuchTarget", "AgentDied", "response"}, read_in_new_pid_namespace);
  add("is killed sooner or later", {}, SIGKILL, {"NoSuchTarget", "AgentDied"}, sleep_long);
  add("is stopped when the agent joins", {Party::agent, {SYS_setns}}, SIGSTOP, {"response"});
  for (const long call : {SYS_setns, SYS_clone3}) {
    kinds.push_back({.name = std::string("a target is gone before the fork server ") +
                             (call == SYS_setns ? "enters its pid namespace" : "forks"),
                     .when = {Party::fork_server, {call}},
                     .fault = end_target(),
                     .request = read_small,
                     .outcomes = {"NoSuchTarget"}});
  }
  return kinds;
}

std::vector<Kind> client_kinds() {
  std::vector<Kind> kinds;
  const auto add = [&](const std::string& name, const When& when, Json (*request)(pid_t) = read_small) {
    kinds.push_back({.name = "a client " + name,
                     .when = when,
                     .fault = disconnect(),
                     .request = request,
                     // It may have been answered just before.
                     .outcomes = {"closed", "response"},
                     .may_miss = when.moment.call == SYS_exit_group});
  };
  add("goes away when the daemon accepts it", {Party::daemon, {SYS_accept4}, true});
  for (const auto& [step, when] : kOuterSteps) add(std::string("goes away when ") + step, when);
  add("goes away when its agent sends a large response", {Party::agent, {SYS_sendmsg}}, read_large);
  add("goes away when its agent sleeps", {Party::agent, {SYS_clock_nanosleep}}, sleep_long);
  add("goes away when an agent of several forks forks", {Party::agent, {SYS_clone3}},
      read_in_new_pid_namespace);
  add("goes away sooner or later", {}, read_large);
  return kinds;
}

}  // namespace nsenterd::test
