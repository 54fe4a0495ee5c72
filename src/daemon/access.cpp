#include "daemon/access.hpp"

#include <cerrno>

#include <unistd.h>

namespace nsenterd::daemon {

bool may_call(const varlink::Peer& peer) noexcept {
  return peer.uid == 0;
}

HostGuard::HostGuard() : own_(Target::open(::getpid()).value().namespaces({Namespace::mnt}).value()) {}

Result<bool> HostGuard::is_host_process(const Target& target) const {
  const auto ids = target.namespaces({Namespace::mnt});
  if (ids) return *ids == own_;
  // A process that the daemon may not even look at has rights that the daemon lacks: no container.
  const Failure failure = ids.error();
  const auto* const refused = std::get_if<JoinFailed>(&failure);
  if (refused != nullptr && refused->error == EACCES) return true;
  return failure;
}

}  // namespace nsenterd::daemon
