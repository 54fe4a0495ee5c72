#include "daemon/access.hpp"

#include <algorithm>

namespace nsenterd::daemon {
namespace {

template <class Id>
Reach reach_of(const std::map<Id, Reach>& rules, Id id) {
  const auto found = rules.find(id);
  return found == rules.end() ? Reach::none : found->second;
}

Reach reach_of(const AccessRules& rules, const varlink::Peer& peer) {
  Reach reach = std::max(reach_of(rules.users, peer.uid), reach_of(rules.groups, peer.gid));
  for (const gid_t group : peer.groups) reach = std::max(reach, reach_of(rules.groups, group));
  return reach;
}

}  // namespace

Decision decide(const AccessRules& rules, const varlink::Peer& peer, const EventFacts* event) {
  if (!peer.in_own_user_namespace) return Decision::in_container;
  if (peer.uid == 0) return Decision::allowed;
  const Reach reach = reach_of(rules, peer);
  if (reach == Reach::none) return Decision::not_listed;
  if (event == nullptr) return Decision::allowed;
  if (event->brings_opened) return Decision::brings_opened;
  if (!event->joins_user || !event->joins_mnt) return Decision::stays_on_host;
  if (event->target_is_hosts) return Decision::host_user_namespace;
  if (event->target_knows_hosts_root) return Decision::knows_hosts_root;
  if (reach == Reach::all) return Decision::allowed;
  const auto& owners = event->target_owners;
  const bool owned = std::find(owners.begin(), owners.end(), peer.uid) != owners.end();
  return owned ? Decision::allowed : Decision::not_owned;
}

std::string_view name_of(Decision decision) noexcept {
  switch (decision) {
    case Decision::allowed: return "allowed";
    case Decision::in_container: return "in-container";
    case Decision::not_listed: return "not-listed";
    case Decision::brings_opened: return "brings-opened";
    case Decision::stays_on_host: return "stays-on-host";
    case Decision::host_user_namespace: return "host-user-namespace";
    case Decision::knows_hosts_root: return "knows-hosts-root";
    case Decision::not_owned: return "not-owned";
  }
  return "";
}

}  // namespace nsenterd::daemon
