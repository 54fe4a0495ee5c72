#include "varlink/peer.hpp"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>

#include "base/syscalls.hpp"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace nsenterd::varlink {

namespace {

base::Result<std::vector<gid_t>> groups_of(int socket) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    const int error = errno;
    // Where there was not enough room, the size is what it takes.
    groups.resize(size / sizeof(gid_t));
    if (result == 0) return groups;
    if (error != ERANGE) return base::SystemError{"getsockopt SO_PEERGROUPS", error};
  }
}

bool is_in_own_user_namespace(const Peer& peer) {
  struct stat own {};
  struct stat peers {};
  const std::string file = "/proc/" + std::to_string(peer.pid) + "/ns/user";
  if (::stat("/proc/self/ns/user", &own) != 0 || ::stat(file.c_str(), &peers) != 0) return false;
  // Only a process that is still there is the one that the number stood for.
  if (peer.pidfd && base::pidfd_send_signal(peer.pidfd.get(), 0) != 0) return false;
  return own.st_dev == peers.st_dev && own.st_ino == peers.st_ino;
}

}  // namespace

base::Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return base::last_error("getsockopt SO_PEERCRED");
  }
  Peer peer;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  if (peer.uid != 0) {
    auto groups = groups_of(socket);
    if (!groups) return groups.error();
    peer.groups = std::move(*groups);
  }
  int pidfd = -1;
  size = sizeof pidfd;
  // No fallback to pidfd_open(2): the number may belong to another process by now.
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    peer.pidfd.reset(pidfd);
  } else if (errno != ENOPROTOOPT) {
    // The kernel could say who it is, but not now: then the number is not to be trusted either.
    peer.pid = 0;
  }
  peer.in_own_user_namespace = is_in_own_user_namespace(peer);
  return peer;
}

}  // namespace nsenterd::varlink
