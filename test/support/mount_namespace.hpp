// Work in a container's mount namespace with the host's rights: what a container's manager does, and no container can.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <sys/types.h>

namespace nsenterd::test {

/// Runs `work` in a child process that is root of the host, in the mount namespace of `pid`, at that namespace's root.
/// It returns an errno, or 0. Throws std::system_error with `what` if it is not 0, or the namespace cannot be entered.
void run_in_mount_namespace(pid_t pid, const std::string& what, const std::function<int()>& work);

/// Mounts what is mounted at `mounted` on the host over a directory of the container of `pid` as well. Throws
/// std::system_error.
void share_mount(pid_t pid, const std::filesystem::path& mounted, const std::string& directory);

}  // namespace nsenterd::test
