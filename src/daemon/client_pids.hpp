// The pid namespaces of the clients, one for each connection (daemon).
#pragma once

#include <unordered_map>

#include "daemon/pid_translation.hpp"

namespace nsenterd::daemon {

/// Asks the kernel for each connection until it has told once: neither end of it ever changes its pid namespace.
class ClientPids {
 public:
  /// Never null, and good until disconnected(). Fails as PidTranslation::for_peer().
  base::Result<const PidTranslation*> of(const varlink::Peer& peer) {
    if (const auto found = known_.find(&peer); found != known_.end()) return &found->second;
    auto told = PidTranslation::for_peer(peer);
    if (!told) return told.error();
    return &known_.emplace(&peer, std::move(*told)).first->second;
  }
  /// As the peer numbers a process of ours; 0 if its namespace does not show it, or if it has gone.
  [[nodiscard]] pid_t to_peer(const varlink::Peer& peer, pid_t pid) const {
    const auto found = known_.find(&peer);
    return found != known_.end() && pid > 0 ? found->second.to_peer(pid) : 0;
  }
  void disconnected(const varlink::Peer& peer) { known_.erase(&peer); }

 private:
  std::unordered_map<const varlink::Peer*, PidTranslation> known_;
};

}  // namespace nsenterd::daemon
