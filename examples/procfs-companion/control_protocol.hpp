// What is said on the control socket: one JSON object on a line each way, and the connection ends. (Companion, command line.)
#pragma once

#include <cstddef>

namespace procfs_companion::control {

/// {"command": "add", "attach" or "remove", "name": NAME}, {"command": "start", "name": NAME, "pid": PID}, {"command": "list"}
/// {} or {"containers": [...]}, {"error": TEXT}
inline constexpr std::size_t kLongestCommand = 4096;
inline constexpr int kSeconds = 5;

}  // namespace procfs_companion::control
