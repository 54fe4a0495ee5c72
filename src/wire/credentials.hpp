// Ids that the kernel translates from one user namespace into another on their way (SCM_CREDENTIALS, unix(7)). No heap,
// no exceptions. (Both sides.)
#pragma once

#include <optional>

#include <sys/types.h>

namespace nsenterd::wire {

/// The ids of somebody on whose behalf a request is made; one that is absent is nobody's.
struct Credentials {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

/// Sends a frame of kind `credentials`, as the sender's user namespace numbers the ids, which takes the right to claim
/// them. The socket's buffer has room for it: nothing has been sent before. False with errno.
bool send_credentials(int socket, const Credentials& credentials) noexcept;

/// Reads the body of that frame: the same ids as the receiver's user namespace numbers them, the overflow id (65534)
/// where it has no number for one. Nothing with errno if something else came.
std::optional<Credentials> receive_credentials(int socket) noexcept;

}  // namespace nsenterd::wire
