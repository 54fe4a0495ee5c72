// For how long the kernel may believe what it was told. (Companion.)
#pragma once

#include <string>

#include <sys/types.h>

namespace procfs_companion {

/// Attributes, never: whom a file belongs to depends on the namespaces of who asks, and FUSE keeps one answer for all.
inline constexpr double kAttributesTimeout = 0;

/// That there is a file of this path, in seconds. That there is none is never believed: there may be one when a module is loaded.
double name_timeout(const std::string& path, mode_t mode);

}  // namespace procfs_companion
