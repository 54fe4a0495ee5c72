// mount(2) of a new filesystem of a type that the policy allows. The right to mount is lent.
#include <linux/capability.h>
#include <sys/mount.h>

#include "handlers.hpp"

namespace seccomp_agent {
namespace {

/// Whatever makes mount(2) do something else than to mount a new filesystem is not among them: MS_REMOUNT, MS_BIND, MS_MOVE, the
/// propagation types.
constexpr std::uint64_t kAllowed = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |
                                   MS_DIRSYNC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME |
                                   MS_LAZYTIME | MS_SILENT;
/// Programs older than Linux 2.4 set it, and so do some libraries still; it means nothing.
constexpr std::uint64_t kMagic = 0xc0ed0000;
constexpr std::uint64_t kMagicMask = 0xffff0000;

std::uint64_t flags_of(const Call& call) {
  const std::uint64_t flags = call.notification.arguments[3];
  return (flags & kMagicMask) == kMagic ? flags & ~kMagicMask : flags;
}

}  // namespace

Plan plan_mount(const MountRule& rule) {
  return [rule](const Call& call) -> std::optional<Act> {
    const std::uint64_t flags = flags_of(call);
    if ((flags & ~kAllowed) != 0) return std::nullopt;
    const auto& arguments = call.notification.arguments;
    Act act;
    act.module = "mount";
    act.argument = {{"source", arguments[0]}, {"path", arguments[1]}, {"type", arguments[2]},
                    {"flags", flags},         {"data", arguments[4]}, {"types", rule.types}};
    // A procfs shows the pid namespace of who mounts it, a sysfs his network namespace.
    using enum nsenterd::Namespace;
    act.namespaces = {user, pid, net};
    act.lends = CAP_SYS_ADMIN;
    return act;
  };
}

}  // namespace seccomp_agent
