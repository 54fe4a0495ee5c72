#include "service/event_plan.hpp"

#include <cerrno>
#include <chrono>
#include <string>

#include "service/id_map.hpp"
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

/// Those of the target's namespaces that it matters to know.
Namespaces kinds_to_find(const EventPlan& plan, bool refuse_host) {
  constexpr std::uint32_t kOfOneEvent = CLONE_NEWUSER;
  Namespaces kinds = *Namespaces::from_flags(plan.wanted.join &
                                             (plan.may_share_agent ? nsjoin::kAllNamespaces : kOfOneEvent));
  if (refuse_host) kinds.insert(Namespace::mnt);
  return kinds;
}

Result<void> find_namespaces(EventPlan& plan, Namespaces kinds, const NamespaceIds& own, bool refuse_host) {
  plan.join = plan.wanted;
  if (kinds.empty()) return {};
  auto found = plan.target->namespaces(kinds);
  if (!found) return look_failure(found.error(), refuse_host);
  if (refuse_host && (*found)[Namespace::mnt] == own[Namespace::mnt]) return Failure(Denied{});
  // To be alike, agents need not be in a mount namespace that neither of them joins.
  if ((plan.wanted.join & CLONE_NEWNS) == 0) (*found)[Namespace::mnt] = 0;
  plan.namespaces = *found;
  if (plan.namespaces[Namespace::user] == own[Namespace::user]) {
    plan.join.join &= ~static_cast<std::uint32_t>(CLONE_NEWUSER);
  }
  return {};
}

Result<void> check_id_is_mapped(const Target& target, const std::optional<std::uint32_t>& id, const char* map,
                                const char* parameter) {
  if (!id) return {};
  const auto mapped = is_mapped(target.pid(), map, *id);
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
                            const CheckedRequests& requests) {
  const Namespaces kinds = kinds_to_find(plan, parameters.refuse_host);
  if (auto found = find_namespaces(plan, kinds, service.own_namespaces(), parameters.refuse_host); !found)
    return found;
  const bool reads_maps = requests.takes_personality && (plan.join.join & CLONE_NEWUSER) != 0;
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
                             const CheckedRequests& requests) {
  const auto created = Namespaces::from_flags(parameters.clone_flags);
  if (!created) return Failure(InvalidParameter{"cloneFlags"});
  const Namespaces joined = parameters.namespaces;
  // A process inside the container would show the host's mounts.
  if (joined.contains(Namespace::pid) && !joined.contains(Namespace::mnt) &&
      !created->contains(Namespace::mnt)) {
    return Failure(InvalidParameter{"namespace"});
  }
  if (parameters.timeout <= std::chrono::milliseconds::zero())
    return Failure(InvalidParameter{"timeoutMilliseconds"});
  EventPlan plan;
  plan.wanted = {.join = joined.flags(),
                 .create = created->flags(),
                 .private_procfs = requests.needs.procfs,
                 .private_sysfs = requests.needs.sysfs};
  // The process that would make the procfs is outside the target's pid namespace then, so it would be the host's.
  if (requests.needs.procfs && nsjoin::joins_pid_late(plan.wanted))
    return Failure(InvalidParameter{"cloneFlags"});
  // What is created is for this event alone.
  plan.may_share_agent = !requests.takes_personality && created->empty() && !parameters.fresh_agent &&
                         service.pool().is_enabled();
  return plan;
}

Result<void> find_target(EventPlan& plan, const ServiceState& service, const EventParameters& parameters,
                         const CheckedRequests& requests) {
  const auto* const number = std::get_if<pid_t>(&parameters.target);
  if (number == nullptr) {
    plan.target = std::get<Target>(parameters.target);
    return look_at_target(plan, service, parameters, requests);
  }
  // There is no need to pin one that agents are kept for. If it has ended, the number may be another's by now.
  plan.target = service.pool().find_target(*number);
  if (plan.target) {
    auto seen = look_at_target(plan, service, parameters, requests);
    if (seen || !std::holds_alternative<NoSuchTarget>(seen.error())) return seen;
  }
  auto opened = Target::open(*number);
  if (!opened) return opened.error();
  plan.target = std::move(*opened);
  return look_at_target(plan, service, parameters, requests);
}

}  // namespace nsenterd::service
