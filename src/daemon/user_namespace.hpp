// Whose a process's user namespace is (daemon).
#pragma once

#include <vector>

#include <sys/types.h>

#include <nsenterd/failure.hpp>
#include <nsenterd/target.hpp>

namespace nsenterd::daemon {

struct UserNamespaceOwners {
  /// Whether it is the daemon's own, or none below it.
  bool is_hosts = true;
  /// The owners of it and of its ancestors up to, and without, the daemon's own, as the daemon numbers them.
  std::vector<uid_t> owners;
};

/// Asks the kernel (ioctl_ns(2)). Denied where the daemon may not even look at the process; otherwise fails as
/// open_namespace().
Result<UserNamespaceOwners> owners_of_user_namespace(const Target& target);

}  // namespace nsenterd::daemon
