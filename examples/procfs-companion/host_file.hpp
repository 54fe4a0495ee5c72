// Small files of the host. (Companion.)
#pragma once

#include <string>

namespace procfs_companion {

/// A whole file; empty if it cannot be read.
std::string read_host_file(const std::string& path);

/// How long the host's processors have been idle, in seconds, all of them together (proc(5), uptime).
double host_idle_time();

}  // namespace procfs_companion
