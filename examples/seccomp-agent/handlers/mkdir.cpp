// mkdir(2), mkdirat(2): with a suffix to the directory's name.
#include "handlers.hpp"

namespace seccomp_agent {
namespace {

std::string replace_all(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace

Plan plan_mkdir(const MkdirRule& rule) {
  return [rule](const Call& call) {
    const bool at = call.name == "mkdirat";
    const auto* arguments = call.notification.arguments.data() + (at ? 1 : 0);
    const std::string with_pid = replace_all(rule.suffix, "{pid}", std::to_string(call.process->pid));
    Act act;
    act.module = "mkdir";
    act.argument = {{"path", arguments[0]},
                    {"mode", static_cast<mode_t>(arguments[1] & 07777)},
                    {"suffix", replace_all(with_pid, "{id}", call.process->container)}};
    if (at) act.directory = static_cast<int>(call.notification.arguments[0]);
    return std::optional(std::move(act));
  };
}

}  // namespace seccomp_agent
