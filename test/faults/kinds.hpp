// The table of what is done to whom, when, and how a request may end then.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "faults/scene.hpp"
#include "faults/tracer.hpp"

namespace nsenterd::test {

enum class Party { agent, fork_server, daemon };

/// When, after a request has been sent, it is done: when a party is about to make a system call for it. Without a call, some
/// time after, another one in every repetition.
struct When {
  Party party = Party::agent;
  Moment moment;
  /// Also a call that is not for the target, or cannot be told to be: the process has no pidfd of it then.
  bool by_anybody = false;
};

/// What is done; the process is the one that was caught. An errno: the call fails with that instead.
using Fault = std::function<int(Scene&, const Exchange&, pid_t)>;

struct Kind {
  std::string name;
  When when;
  Fault fault;
  /// Parameters of SendRequest, for a target.
  Json (*request)(pid_t target);
  std::set<std::string> outcomes;
  /// How many requests are under way at once; each one's agent is caught.
  std::size_t at_once = 1;
  /// Whether the event may have ended, and the process with it, before the call is made.
  bool may_miss = false;
  /// Whether the neighbour may be refused as well (but answered it is, always).
  bool concerns_all = false;
  /// Whether it takes a while, so that repetitions had better run side by side.
  bool is_slow = false;
};

std::vector<Kind> agent_kinds();
std::vector<Kind> agent_of_several_forks_kinds();
std::vector<Kind> fork_server_kinds();
std::vector<Kind> daemon_kinds();
std::vector<Kind> target_kinds();
std::vector<Kind> client_kinds();

}  // namespace nsenterd::test
