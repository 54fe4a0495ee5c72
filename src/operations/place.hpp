// Where an agent's paths lead: into the container's own tree, or into its private procfs or sysfs (agent).
#pragma once

#include <cstdint>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::operations {

/// Which private mounts a request needs. Made before the join, so they are part of its plan.
struct PrivateMountNeeds {
  bool procfs = false;
  bool sysfs = false;
};

/// What a request with MountProcfs or MountSysfs needs: a mount that its path leads to.
PrivateMountNeeds private_mount_needs(const std::string& path, bool mount_procfs, bool mount_sysfs);

/// Closes a file that is a process's memory, such as /proc/PID/mem, with EPERM in errno. A container's path may lead to
/// the agent's own, which a process may always write to, whatever else it may not.
UniqueFd refuse_memory(UniqueFd file) noexcept;

/// Resolves the paths of one request.
class Place {
 public:
  /// The descriptors stay the caller's; -1 where there is no private mount.
  Place(int procfs, int sysfs) noexcept : procfs_(procfs), sysfs_(sysfs) {}

  /// The same without those private mounts that a request does not need: they are there for another one of its event.
  [[nodiscard]] Place limited_to(const PrivateMountNeeds& needs) const noexcept {
    return {needs.procfs ? procfs_ : -1, needs.sysfs ? sysfs_ : -1};
  }

  /// On behalf of somebody: magic links of procfs, which are the agent's own where the caller meant his, lead nowhere (ELOOP).
  void refuse_magic_links() noexcept { resolve_ = RESOLVE_NO_MAGICLINKS; }

  /// openat2(2). Never blocks on a FIFO or a terminal's carrier, and never makes a terminal the agent's
  /// controlling one. Below a private mount neither `..` (EXDEV), nor magic links such as /proc/1/root
  /// (ELOOP), nor other mounts (EXDEV) lead anywhere else. What is a process's memory is refused (EPERM). Empty with errno
  /// on failure.
  [[nodiscard]] UniqueFd open(const std::string& path, int flags, mode_t mode = 0) const noexcept;

  /// A descriptor that stands for the file itself (O_PATH), a symbolic link included.
  [[nodiscard]] UniqueFd open_itself(const std::string& path) const noexcept {
    return open(path, O_PATH | O_NOFOLLOW);
  }

 private:
  int procfs_;
  int sysfs_;
  /// Of openat2(2).
  std::uint64_t resolve_ = 0;
};

}  // namespace nsenterd::operations
