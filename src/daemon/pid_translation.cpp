#include "daemon/pid_translation.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/syscalls.hpp"

#ifndef NS_GET_TGID_FROM_PIDNS
#define NS_GET_TGID_FROM_PIDNS _IOR(NSIO, 0x7, int)
#endif
#ifndef NS_GET_TGID_IN_PIDNS
#define NS_GET_TGID_IN_PIDNS _IOR(NSIO, 0x9, int)
#endif

namespace nsenterd::daemon {

base::Result<PidTranslation> PidTranslation::for_peer(const varlink::Peer& peer) {
  constexpr base::SystemError kUnknown{"open pid", ESRCH};
  const std::string file = "/proc/" + std::to_string(peer.pid) + "/ns/pid";
  UniqueFd pid_namespace(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat peers {};
  struct stat own {};
  if (!pid_namespace && (errno == ENOENT || errno == EACCES)) return kUnknown;
  if (!pid_namespace) return base::last_error("open pid");
  if (::fstat(pid_namespace.get(), &peers) != 0 || ::stat("/proc/self/ns/pid", &own) != 0) {
    return base::last_error("stat pid");
  }
  // Only a process that is still there is the one that the number stood for.
  if (peer.pidfd && base::pidfd_send_signal(peer.pidfd.get(), 0) != 0) return kUnknown;
  if (peers.st_ino == own.st_ino && peers.st_dev == own.st_dev) return PidTranslation(UniqueFd());
  if (!peer.pidfd) return kUnknown;
  return PidTranslation(std::move(pid_namespace));
}

std::optional<pid_t> PidTranslation::from_peer(pid_t pid) const {
  if (!pid_namespace_) return pid;
  const int own = ::ioctl(pid_namespace_.get(), NS_GET_TGID_FROM_PIDNS, pid);
  return own > 0 ? std::optional<pid_t>(own) : std::nullopt;
}

pid_t PidTranslation::to_peer(pid_t pid) const {
  if (!pid_namespace_) return pid;
  const int theirs = ::ioctl(pid_namespace_.get(), NS_GET_TGID_IN_PIDNS, pid);
  return theirs > 0 ? theirs : 0;
}

}  // namespace nsenterd::daemon
