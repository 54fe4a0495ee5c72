// Paths of the container's. (Inside containers.)
#pragma once

#include <cstdint>
#include <string>

#include <nsenterd/unique_fd.hpp>

namespace seccomp_agent::inside {

/// openat2(2), with O_CLOEXEC. Magic links, such as those below /proc/self/fd, are never followed: they would be this process's, not
/// the thread's. Nothing with errno.
nsenterd::UniqueFd open_path(int directory, const std::string& path, std::uint64_t flags,
                             std::uint64_t mode = 0, std::uint64_t resolve = 0);

/// Where something is to be made. The name keeps slashes at its end.
struct Place {
  nsenterd::UniqueFd directory;
  std::string name;
};

/// Opens the directory of a path. Throws std::system_error.
Place open_place(const std::string& path);

}  // namespace seccomp_agent::inside
