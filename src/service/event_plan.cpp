#include "service/event_plan.hpp"

#include <cerrno>
#include <chrono>
#include <string>

#include <fcntl.h>

#include "base/id_map.hpp"
#include "nsjoin/namespace_table.hpp"
#include "service/opened_namespace.hpp"
#include "service/service_state.hpp"

namespace nsenterd::service {
namespace {

/// Namespaces that a process is not in any more when it has ended: where they have been looked up, it had not.
constexpr Namespaces kGivenUpAtEnd{Namespace::mnt,    Namespace::uts, Namespace::ipc,
                                   Namespace::cgroup, Namespace::net, Namespace::time};

/// A process that one may not even look at has rights that the caller lacks: no container.
Failure look_failure(const Failure& failure, bool refuse_host) {
  const auto* const refused = std::get_if<JoinFailed>(&failure);
  const bool is_host = refuse_host && refused != nullptr && refused->error == EACCES;
  return is_host ? Denied{} : failure;
}

/// Those that the agent may not be in where they are the caller's own.
Namespaces refused_kinds(const EventParameters& parameters, const ExchangeNeeds& needs) {
  Namespaces kinds;
  if (parameters.refuse_host) kinds.insert(Namespace::mnt);
  if (parameters.refuse_host_mounts && needs.mounts.procfs) kinds.insert(Namespace::pid);
  if (parameters.refuse_host_mounts && needs.mounts.sysfs) kinds.insert(Namespace::net);
  return kinds;
}

/// Those of the target's namespaces that it matters to know.
Namespaces kinds_to_find(const EventPlan& plan, Namespaces refused) {
  constexpr std::uint32_t kOfOneEvent = CLONE_NEWUSER;
  const std::uint32_t wanted =
      plan.wanted.join & (plan.may_share_agent ? nsjoin::kAllNamespaces : kOfOneEvent);
  return *Namespaces::from_flags(wanted | refused.flags());
}

Result<void> find_namespaces(EventPlan& plan, Namespaces kinds, Namespaces refused, const NamespaceIds& own) {
  plan.join = plan.wanted;
  if (kinds.empty()) return {};
  auto found = plan.target->namespaces(kinds);
  if (!found) return look_failure(found.error(), refused.contains(Namespace::mnt));
  for (const Namespace kind : {Namespace::mnt, Namespace::pid, Namespace::net}) {
    if (refused.contains(kind) && (*found)[kind] == own[kind]) return Failure(Denied{});
  }
  // To be alike, agents need not be in a mount namespace that neither of them joins.
  if ((plan.wanted.join & CLONE_NEWNS) == 0) (*found)[Namespace::mnt] = 0;
  plan.namespaces = *found;
  if (plan.namespaces[Namespace::user] == own[Namespace::user]) {
    plan.join.join &= ~static_cast<std::uint32_t>(CLONE_NEWUSER);
  }
  return {};
}

/// Directories are to be opened with O_PATH: who closes such a one does not wait for its filesystem.
Result<void> check_directory(int descriptor, const char* parameter) {
  if (descriptor < 0) return {};
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_PATH) == 0) return Failure(InvalidParameter{parameter});
  return {};
}

/// What the caller has opened: finds out which of the namespaces are to be joined.
Result<Namespaces> look_at_descriptors(const EventParameters& parameters, const ExchangeNeeds& needs,
                                       const NamespaceIds& own) {
  Namespaces kinds = parameters.namespace_descriptors.kinds();
  for (const auto& entry : nsjoin::kNamespaceTable) {
    const auto kind = static_cast<Namespace>(entry.flag);
    if (!kinds.contains(kind)) continue;
    const auto inode = inode_of_namespace(parameters.namespace_descriptors[kind], kind);
    if (!inode || parameters.namespaces.contains(kind))
      return Failure(InvalidParameter{std::string("namespaceFileDescriptors.") + entry.name});
    if (refused_kinds(parameters, needs).contains(kind) && *inode == own[kind]) return Failure(Denied{});
    // The kernel does not let a process join its own.
    if (kind == Namespace::user && *inode == own[kind]) kinds.erase(kind);
  }
  // There is no process whose maps could be looked up.
  if (kinds.contains(Namespace::user) && needs.takes_personality) {
    if (parameters.uid) return Failure(InvalidParameter{"uid"});
    if (parameters.gid) return Failure(InvalidParameter{"gid"});
  }
  auto checked = check_directory(parameters.root, "rootFileDescriptor");
  if (checked) checked = check_directory(parameters.working_directory, "workingDirectoryFileDescriptor");
  if (!checked) return checked.error();
  return kinds;
}

Result<void> check_id_is_mapped(const Target& target, const std::optional<std::uint32_t>& id, const char* map,
                                const char* parameter) {
  if (!id) return {};
  const auto mapped = base::is_mapped(target.pid(), map, *id);
  if (!mapped && (mapped.error().error == ENOENT || mapped.error().error == ESRCH))
    return Failure(NoSuchTarget{});
  if (!mapped) return Failure(JoinFailed{std::string(mapped.error().step) + " " + map, mapped.error().error});
  if (!*mapped) return Failure(InvalidParameter{parameter});
  return {};
}

/// Whether the target's user namespace, which is joined, has numbers for the caller's ids. Without one the kernel would
/// take somebody else for him: the overflow id.
Result<void> check_ids_are_mapped(const Target& target, const EventParameters& parameters) {
  auto checked = check_id_is_mapped(target, parameters.uid, "uid_map", "uid");
  return checked ? check_id_is_mapped(target, parameters.gid, "gid_map", "gid") : checked;
}

Result<void> look_at_target(EventPlan& plan, const ServiceState& service, const EventParameters& parameters,
                            const ExchangeNeeds& needs) {
  // What has been opened was looked at when the plan was made.
  const Namespaces refused =
      *Namespaces::from_flags(refused_kinds(parameters, needs).flags() & ~plan.wanted.join_opened);
  const Namespaces kinds = kinds_to_find(plan, refused);
  if (auto found = find_namespaces(plan, kinds, refused, service.own_namespaces()); !found) return found;
  const bool reads_maps = needs.takes_personality && (plan.join.join & CLONE_NEWUSER) != 0;
  if (reads_maps) {
    if (auto mapped = check_ids_are_mapped(*plan.target, parameters); !mapped) return mapped;
  }
  // Its maps were looked up by its number, which may be another's by now; and where nothing is left to join, nobody else
  // would notice that it has ended.
  const bool is_seen = !reads_maps && (kinds.flags() & kGivenUpAtEnd.flags()) != 0;
  if (!is_seen && plan.target->has_ended()) return Failure(NoSuchTarget{});
  return {};
}

}  // namespace

Result<EventPlan> plan_event(const ServiceState& service, const EventParameters& parameters,
                             const ExchangeNeeds& needs) {
  const auto created = Namespaces::from_flags(parameters.clone_flags);
  if (!created) return Failure(InvalidParameter{"cloneFlags"});
  const auto opened = look_at_descriptors(parameters, needs, service.own_namespaces());
  if (!opened) return opened.error();
  const Namespaces joined = *Namespaces::from_flags(parameters.namespaces.flags() | opened->flags());
  // A process inside the container would show the host's mounts.
  if (joined.contains(Namespace::pid) && !joined.contains(Namespace::mnt) &&
      !created->contains(Namespace::mnt)) {
    return Failure(InvalidParameter{"namespace"});
  }
  // What is not joined is the caller's own.
  if (parameters.refuse_host_mounts && ((needs.mounts.procfs && !joined.contains(Namespace::pid)) ||
                                        (needs.mounts.sysfs && !joined.contains(Namespace::net)))) {
    return Failure(Denied{});
  }
  if (parameters.timeout <= std::chrono::milliseconds::zero())
    return Failure(InvalidParameter{"timeoutMilliseconds"});
  EventPlan plan;
  plan.wanted = {.join = parameters.namespaces.flags(),
                 .join_opened = opened->flags(),
                 .create = created->flags(),
                 .private_procfs = needs.mounts.procfs,
                 .private_sysfs = needs.mounts.sysfs,
                 .has_root = parameters.root >= 0,
                 .has_working_directory = parameters.working_directory >= 0,
                 .keeps_output = needs.is_foreign};
  // The process that would make the procfs is outside the target's pid namespace then, so it would be the host's.
  if (needs.mounts.procfs && nsjoin::joins_pid_late(plan.wanted))
    return Failure(InvalidParameter{"cloneFlags"});
  // What is created, or was opened, is for this event alone.
  plan.may_share_agent = !needs.takes_personality && created->empty() &&
                         parameters.namespace_descriptors.kinds().empty() && !plan.wanted.has_root &&
                         !plan.wanted.has_working_directory && !parameters.fresh_agent &&
                         service.pool().is_enabled();
  return plan;
}

Result<void> find_target(EventPlan& plan, const ServiceState& service, const EventParameters& parameters,
                         const ExchangeNeeds& needs) {
  const auto* const number = std::get_if<pid_t>(&parameters.target);
  if (number == nullptr) {
    plan.target = std::get<Target>(parameters.target);
    return look_at_target(plan, service, parameters, needs);
  }
  // All that there is to join has been opened.
  if (*number == 0 && parameters.namespaces.empty() && !parameters.namespace_descriptors.kinds().empty()) {
    plan.join = plan.wanted;
    return {};
  }
  // There is no need to pin one that agents are kept for. If it has ended, the number may be another's by now.
  plan.target = service.pool().find_target(*number);
  if (plan.target) {
    auto seen = look_at_target(plan, service, parameters, needs);
    if (seen || !std::holds_alternative<NoSuchTarget>(seen.error())) return seen;
  }
  auto opened = Target::open(*number);
  if (!opened) return opened.error();
  plan.target = std::move(*opened);
  return look_at_target(plan, service, parameters, needs);
}

Descriptors descriptors_for(const EventPlan& plan, const EventParameters& parameters, int socket) {
  const nsjoin::Places places = nsjoin::places_of(plan.join);
  Descriptors descriptors{socket};
  if (places.target >= 0) descriptors.push_back(plan.target->pidfd());
  for (std::size_t i = 0; i < nsjoin::kNamespaceTable.size(); ++i) {
    const auto kind = static_cast<Namespace>(nsjoin::kNamespaceTable[i].flag);
    if (places.namespaces[i] >= 0) descriptors.push_back(parameters.namespace_descriptors[kind]);
  }
  if (places.root >= 0) descriptors.push_back(parameters.root);
  if (places.working_directory >= 0) descriptors.push_back(parameters.working_directory);
  return descriptors;
}

}  // namespace nsenterd::service
