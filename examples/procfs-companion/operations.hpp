// What libfuse calls for which request. (Companion.)
#pragma once

#include <fuse_lowlevel.h>

namespace procfs_companion {

/// For a session whose user data is a MountedSession.
const fuse_lowlevel_ops& operations();

}  // namespace procfs_companion
