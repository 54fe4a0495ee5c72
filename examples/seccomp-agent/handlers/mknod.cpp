// mknod(2), mknodat(2): devices that the policy lists, with the right to make them lent; anything else that is no device as it is.
#include <algorithm>

#include <linux/capability.h>
#include <sys/stat.h>

#include "handlers.hpp"

namespace seccomp_agent {

Plan plan_mknod(const MknodRule& rule) {
  return [rule](const Call& call) -> std::optional<Act> {
    const bool at = call.name == "mknodat";
    const auto* arguments = call.notification.arguments.data() + (at ? 1 : 0);
    // As much of them as the kernel looks at.
    const auto mode = static_cast<mode_t>(arguments[1] & 0xffff);
    const auto number = static_cast<dev_t>(arguments[2] & 0xffffffff);
    Act act;
    act.module = "mknod";
    act.argument = {{"path", arguments[0]}, {"mode", mode}, {"device", number}};
    if (at) act.directory = static_cast<int>(call.notification.arguments[0]);
    if (!S_ISCHR(mode) && !S_ISBLK(mode)) return act;
    const Device device{static_cast<mode_t>(mode & S_IFMT), number};
    if (std::find(rule.devices.begin(), rule.devices.end(), device) == rule.devices.end())
      return std::nullopt;
    // Devices are the host's: whoever has joined another user namespace can make none.
    act.namespaces = {};
    act.lends = CAP_MKNOD;
    return act;
  };
}

}  // namespace seccomp_agent
