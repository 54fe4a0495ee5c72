// The handlers that a policy can name: for each, the plan for a call that its rule is for. (Agent.)
#pragma once

#include <map>

#include "../act.hpp"
#include "../counters.hpp"

namespace seccomp_agent {

Plan plan_mkdir(const MkdirRule& rule);
Plan plan_mount(const MountRule& rule);
Plan plan_mknod(const MknodRule& rule);
Plan plan_open(const OpenRule& rule);

/// Handlers of all calls that a policy has rules for, made once.
class HandlerTable {
 public:
  /// The runner and the counters have to outlive it.
  HandlerTable(const Policy& policy, nsenterd::ModuleRunner& runner, Counters& counters);

  /// That of the profile's rule, if there is one, otherwise that of the general rule, otherwise the default.
  [[nodiscard]] const Handler& find(const Call& call) const;

 private:
  using Handlers = std::map<std::string, Handler>;

  Handlers handlers_;
  std::map<std::string, Handlers> profiles_;
  Handler default_;
};

}  // namespace seccomp_agent
