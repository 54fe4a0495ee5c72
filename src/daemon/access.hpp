// Who may do what (daemon).
#pragma once

#include <nsenterd/event.hpp>

#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Whether a peer may call any method: root of the daemon's user namespace.
bool may_call(const varlink::Peer& peer) noexcept;

/// Tells containers from the host, which is no target: a wrong pid does no harm then.
class HostGuard {
 public:
  HostGuard();

  /// Whether the target is in the daemon's own mount namespace, or cannot be examined. NoSuchTarget if it has
  /// ended.
  [[nodiscard]] Result<bool> is_host_process(const Target& target) const;

 private:
  NamespaceIds own_;
};

}  // namespace nsenterd::daemon
