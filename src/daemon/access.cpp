#include "daemon/access.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include "base/syscalls.hpp"

namespace nsenterd::daemon {

bool may_call(const varlink::Peer& peer) noexcept {
  return peer.uid == 0;
}

HostGuard::HostGuard() {
  if (::stat("/proc/self/ns/mnt", &own_mount_namespace_) != 0) {
    throw std::system_error(errno, std::generic_category(), "stat /proc/self/ns/mnt");
  }
}

Result<bool> HostGuard::is_host_process(const Target& target) const {
  const std::string file = "/proc/" + std::to_string(target.pid()) + "/ns/mnt";
  struct stat status {};
  const bool found = ::stat(file.c_str(), &status) == 0;
  // A process that the daemon may not even look at has rights that the daemon lacks: no container.
  if (!found && errno == EACCES) return true;
  if (!found && errno != ENOENT && errno != ESRCH) return Failure(JoinFailed{"stat mnt", errno});
  // The file was that of the target only if the target is still there.
  if (!found || base::pidfd_send_signal(target.pidfd(), 0) != 0) return Failure(NoSuchTarget{});
  return status.st_ino == own_mount_namespace_.st_ino && status.st_dev == own_mount_namespace_.st_dev;
}

}  // namespace nsenterd::daemon
