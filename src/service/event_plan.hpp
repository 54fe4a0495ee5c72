// What an event comes down to: whom to join, what, and with which agent (daemon, or a program that embeds the library).
#pragma once

#include <optional>

#include <nsenterd/event.hpp>

#include "nsjoin/join_plan.hpp"
#include "service/requests.hpp"

namespace nsenterd::service {

class ServiceState;

struct EventPlan {
  nsjoin::JoinPlan join_plan;
  std::optional<Target> target;
  /// Whether it may be left to an agent that has served others, and whether others may be served by its agent afterwards.
  bool may_share_agent = false;
  /// Which namespaces an agent has to be in that has served others.
  NamespaceIds namespaces;
};

/// Asks the kernel for the target, and for what of it is to be joined. Fails with what is wrong about the parameters, or about
/// the target; nothing has been started then.
Result<EventPlan> plan_event(ServiceState& service, const EventParameters& parameters,
                             const CheckedRequests& requests);

}  // namespace nsenterd::service
