// Who may do what (daemon).
#pragma once

#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Whether a peer may call any method: root of the daemon's user namespace.
bool may_call(const varlink::Peer& peer) noexcept;

}  // namespace nsenterd::daemon
