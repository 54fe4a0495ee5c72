// What a container's process is called (nsenterctl).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace nsenterd::cli {

/// The container that a process belongs to, by its /proc/PID/cgroup: the first twelve digits of the id that Docker, containerd,
/// CRI-O and Podman use, or the name of LXC's or systemd's. The outermost one: what is further down in a path, the container may
/// have made.
std::optional<std::string> container_of(std::string_view cgroups);

/// That, or the command name (/proc/PID/comm), which may be any bytes; empty if there is no such process.
std::string container_name(pid_t pid);

}  // namespace nsenterd::cli
