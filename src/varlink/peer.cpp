#include "varlink/peer.hpp"

#include <cerrno>

#include <sys/socket.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace nsenterd::varlink {

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
  int pidfd = -1;
  size = sizeof pidfd;
  // No fallback to pidfd_open(2): the number may belong to another process by now.
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    peer.pidfd.reset(pidfd);
  } else if (errno != ENOPROTOOPT) {
    // The kernel could say who it is, but not now: then the number is not to be trusted either.
    peer.pid = 0;
  }
  return peer;
}

}  // namespace nsenterd::varlink
