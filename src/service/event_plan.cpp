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

Result<Target> find_target(const ServiceState& service, const EventParameters& parameters) {
  if (const auto* target = std::get_if<Target>(&parameters.target)) return *target;
  return service.pin(std::get<pid_t>(parameters.target));
}

/// Looks up the target's namespaces as far as that matters. The caller's own user namespace, which the kernel does not let it
/// join, is left out of `joined`.
Result<void> find_namespaces(EventPlan& plan, Namespaces& joined, std::uint64_t own_user_namespace) {
  const Namespaces wanted = plan.may_share_agent               ? joined
                            : joined.contains(Namespace::user) ? Namespaces{Namespace::user}
                                                               : Namespaces{};
  if (wanted.empty()) return {};
  auto namespaces = plan.target->namespaces(wanted);
  if (!namespaces) return namespaces.error();
  if ((*namespaces)[Namespace::user] == own_user_namespace) {
    joined.erase(Namespace::user);
    (*namespaces)[Namespace::user] = 0;
  }
  plan.namespaces = *namespaces;
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

}  // namespace

Result<EventPlan> plan_event(ServiceState& service, const EventParameters& parameters,
                             const CheckedRequests& requests) {
  const auto created = Namespaces::from_flags(parameters.clone_flags);
  if (!created) return Failure(InvalidParameter{"cloneFlags"});
  Namespaces joined = parameters.namespaces;
  // A process inside the container would show the host's mounts.
  if (joined.contains(Namespace::pid) && !joined.contains(Namespace::mnt) &&
      !created->contains(Namespace::mnt)) {
    return Failure(InvalidParameter{"namespace"});
  }
  if (parameters.timeout <= std::chrono::milliseconds::zero())
    return Failure(InvalidParameter{"timeoutMilliseconds"});

  auto target = find_target(service, parameters);
  if (!target) return target.error();
  EventPlan plan;
  plan.target = std::move(*target);
  // What is created is for this event alone.
  plan.may_share_agent = !requests.takes_personality && created->empty() && !parameters.fresh_agent &&
                         service.pool().is_enabled();
  if (auto found = find_namespaces(plan, joined, service.own_user_namespace()); !found) return found.error();
  if (requests.takes_personality && joined.contains(Namespace::user)) {
    if (auto mapped = check_ids_are_mapped(*plan.target, parameters); !mapped) return mapped.error();
  }
  // Its maps were looked up by its number, which may be another's by now; and where nothing is left to join, nobody else
  // would notice that it has ended.
  const bool is_seen = plan.may_share_agent && (joined.flags() & kGivenUpAtEnd.flags()) != 0;
  if (!is_seen && plan.target->has_ended()) return Failure(NoSuchTarget{});
  plan.join_plan = {.join = joined.flags(),
                    .create = created->flags(),
                    .private_procfs = requests.needs.procfs,
                    .private_sysfs = requests.needs.sysfs};
  // The process that would make the procfs is outside the target's pid namespace then, so it would be the host's.
  if (requests.needs.procfs && nsjoin::joins_pid_late(plan.join_plan))
    return Failure(InvalidParameter{"cloneFlags"});
  return plan;
}

}  // namespace nsenterd::service
