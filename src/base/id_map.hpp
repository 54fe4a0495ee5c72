// The ids that a process's user namespace knows (daemon, or a program that embeds the library).
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "base/result.hpp"

namespace nsenterd::base {

/// Whether the process's user namespace has a number for an id of ours. `map` is "uid_map" or "gid_map"
/// (user_namespaces(7)). By its number, so the caller makes sure that the process is still there afterwards.
Result<bool> is_mapped(pid_t pid, const char* map, std::uint32_t id);

}  // namespace nsenterd::base
