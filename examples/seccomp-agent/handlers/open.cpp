// open(2), openat(2), openat2(2) of files below directories that the policy lists.
#include "handlers.hpp"

namespace seccomp_agent {

Plan plan_open(const OpenRule& rule) {
  return [rule](const Call& call) {
    const auto& arguments = call.notification.arguments;
    Act act;
    act.module = "open";
    if (call.name == "openat2") {
      act.argument = {{"path", arguments[1]}, {"how", arguments[2]}, {"how_size", arguments[3]}};
    } else if (call.name == "openat") {
      act.argument = {{"path", arguments[1]}, {"flags", arguments[2]}, {"mode", arguments[3]}};
    } else {
      act.argument = {{"path", arguments[0]}, {"flags", arguments[1]}, {"mode", arguments[2]}};
    }
    act.argument["directories"] = rule.directories;
    if (call.name != "open") act.directory = static_cast<int>(arguments[0]);
    return std::optional(std::move(act));
  };
}

}  // namespace seccomp_agent
