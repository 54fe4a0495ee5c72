// Who may do what: one decision, made of what the kernel says and of what the administrator has written (daemon).
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Which containers somebody other than root may target.
enum class Reach {
  none,
  /// Those whose user namespace, or an ancestor of it other than the daemon's own, is that user's (NS_GET_OWNER_UID, ioctl_ns(2)).
  owned,
  all,
};

struct AccessRules {
  /// Whom the configuration names. Where it names somebody twice, the wider reach counts.
  std::map<uid_t, Reach> users;
  std::map<gid_t, Reach> groups;
  /// Whether processes in the daemon's own mount namespace are targets, too.
  bool allow_host_targets = false;

  friend bool operator==(const AccessRules&, const AccessRules&) = default;
};

/// What decides whether an event of somebody other than root may begin.
struct EventFacts {
  /// The event joins the target's namespaces of these kinds. In the daemon's own mount namespace, and without the ids of the
  /// container's user namespace, its agent would have the host's files, or root's rights, before it.
  bool joins_user = false;
  bool joins_mnt = false;
  /// Namespaces or directories that the client has opened itself: whose they are is more than the daemon can tell.
  bool brings_opened = false;
  /// The target's user namespace is the daemon's own, or none below it.
  bool target_is_hosts = true;
  /// The target's user namespace maps the host's root: in it, an agent would be that root with all its files, though without
  /// capabilities over the host.
  bool target_knows_hosts_root = true;
  /// Who owns the target's user namespace and its ancestors up to, and without, the daemon's own.
  std::vector<uid_t> target_owners = {};
};

enum class Decision {
  allowed,
  /// It is a process of a container, whatever its ids, or had ended before that could be told.
  in_container,
  /// The configuration names neither the user nor any of its groups.
  not_listed,
  /// The event brings descriptors of its own, which is for root.
  brings_opened,
  /// The event does not join both the user and the mount namespace.
  stays_on_host,
  /// The target is in the host's user namespace.
  host_user_namespace,
  /// The target's user namespace maps the host's root.
  knows_hosts_root,
  /// The target is in nobody's user namespace that the user owns.
  not_owned,
};

/// Whether a peer may call, and if `event` is given, whether it may start this one. A pure function: everything that counts is
/// in its arguments. Default: no.
Decision decide(const AccessRules& rules, const varlink::Peer& peer, const EventFacts* event = nullptr);

/// Such as "not-owned", for the log.
std::string_view name_of(Decision decision) noexcept;

}  // namespace nsenterd::daemon
