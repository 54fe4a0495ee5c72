#include "../layers.hpp"
#include "handlers.hpp"

namespace seccomp_agent {
namespace {

struct MakeHandler {
  const Rule& rule;
  nsenterd::ModuleRunner& runner;

  Handler operator()(const FixedRule& fixed) const { return answer_with(fixed.answer); }
  Handler operator()(const MkdirRule& mkdir) const { return act(plan_mkdir(mkdir), rule, runner); }
  Handler operator()(const MountRule& mount) const { return act(plan_mount(mount), rule, runner); }
  Handler operator()(const MknodRule& mknod) const { return act(plan_mknod(mknod), rule, runner); }
  Handler operator()(const OpenRule& open) const { return act(plan_open(open), rule, runner); }
};

std::map<std::string, Handler> make_handlers(const Rules& rules, nsenterd::ModuleRunner& runner,
                                             Counters& counters) {
  std::map<std::string, Handler> handlers;
  for (const auto& [name, rule] : rules) {
    Handler handler = counted(std::visit(MakeHandler{rule, runner}, rule.handler), counters);
    handlers[name] = rule.log ? logged(std::move(handler)) : std::move(handler);
  }
  return handlers;
}

}  // namespace

HandlerTable::HandlerTable(const Policy& policy, nsenterd::ModuleRunner& runner, Counters& counters)
    : handlers_(make_handlers(policy.rules, runner, counters)),
      default_(counted(answer_with(policy.default_answer), counters)) {
  for (const auto& [name, rules] : policy.profiles) profiles_[name] = make_handlers(rules, runner, counters);
}

const Handler& HandlerTable::find(const Call& call) const {
  // A call without a name finds nothing.
  if (const auto profile = profiles_.find(call.process->metadata); profile != profiles_.end()) {
    const auto handler = profile->second.find(call.name);
    if (handler != profile->second.end()) return handler->second;
  }
  const auto handler = handlers_.find(call.name);
  return handler != handlers_.end() ? handler->second : default_;
}

}  // namespace seccomp_agent
