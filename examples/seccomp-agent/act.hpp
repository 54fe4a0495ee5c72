// Handlers that act inside a container, on behalf of the thread that made the call: what they have in common. (Agent.)
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <nsenterd/module_runner.hpp>

#include "handler.hpp"
#include "policy.hpp"

namespace seccomp_agent {

/// What is to be done about a call. What its pointers lead to is not known yet: the module reads that (inside/module.hpp).
struct Act {
  /// As in inside/modules.cpp.
  const char* module = nullptr;
  nlohmann::json argument = nlohmann::json::object();
  /// The descriptor of the thread's that relative paths start from.
  int directory = AT_FDCWD;
  /// To join besides the mount namespace. With the user namespace, the thread's ids and capabilities are those that it has there.
  nsenterd::Namespaces namespaces{nsenterd::Namespace::user};
  /// A capability (capabilities(7)) that the policy lends: to the root user of the container, and to who has it there anyway.
  std::optional<int> lends;
};

/// Decides by the call's numbers alone. Nothing: what the policy says to what it does not allow.
using Plan = std::function<std::optional<Act>(const Call& call)>;

/// A handler that makes a plan, holds the thread open, makes sure that it was that thread, and runs the module. The runner has to
/// outlive it.
Handler act(Plan plan, const Rule& rule, nsenterd::ModuleRunner& runner);

}  // namespace seccomp_agent
