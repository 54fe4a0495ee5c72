// Who connected (daemon, and test servers).
#pragma once

#include "base/result.hpp"
#include "varlink/call.hpp"

namespace nsenterd::varlink {

/// Asks the kernel about the other end of a connected unix socket.
base::Result<Peer> peer_of(int socket);

}  // namespace nsenterd::varlink
