// Whose a process's user namespace is (daemon).
#pragma once

#include <vector>

#include <sys/types.h>

#include <nsenterd/failure.hpp>
#include <nsenterd/target.hpp>

namespace nsenterd::daemon {

struct UserNamespaceFacts {
  /// Whether it is the daemon's own, or none below it.
  bool is_hosts = true;
  /// Whether it has a number for the host's root, or for its group: its own root has that one's files then.
  bool knows_hosts_root = true;
  /// The owners of it and of its ancestors up to, and without, the daemon's own, as the daemon numbers them.
  std::vector<uid_t> owners;
};

/// Asks the kernel (ioctl_ns(2), user_namespaces(7)). Denied where the daemon may not even look at the process; otherwise fails as
/// open_namespace().
Result<UserNamespaceFacts> look_at_user_namespace(const Target& target);

}  // namespace nsenterd::daemon
