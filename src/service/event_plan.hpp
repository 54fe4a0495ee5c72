// What an event comes down to: whom to join, what, and with which agent (daemon, or a program that embeds the library).
#pragma once

#include <optional>

#include <boost/container/static_vector.hpp>

#include <nsenterd/event.hpp>

#include "nsjoin/descriptors.hpp"
#include "nsjoin/join_plan.hpp"
#include "service/exchange.hpp"

namespace nsenterd::service {

class ServiceState;

struct EventPlan {
  /// What is asked for. An agent that has served others was made for the same.
  nsjoin::JoinPlan wanted;
  /// Whether it may be left to an agent that has served others, and whether others may be served by its agent afterwards.
  bool may_share_agent = false;

  // What the kernel says of the target:

  std::optional<Target> target;
  /// Which namespaces an agent has to be in that has served others.
  NamespaceIds namespaces;
  /// `wanted` without a user namespace that is the caller's own: the kernel does not let it join that.
  nsjoin::JoinPlan join;
};

/// From the parameters alone: fails with what is wrong about them.
Result<EventPlan> plan_event(const ServiceState& service, const EventParameters& parameters,
                             const ExchangeNeeds& needs);

/// Asks the kernel for the target, and for what of it is to be joined.
Result<void> find_target(EventPlan& plan, const ServiceState& service, const EventParameters& parameters,
                         const ExchangeNeeds& needs);

/// Borrowed from the target and the parameters.
using Descriptors = boost::container::static_vector<int, nsjoin::kMaxDescriptors>;

/// What the fork server is sent (nsjoin::Places): the agent's end of the event's socketpair, and what the plan asks for.
Descriptors descriptors_for(const EventPlan& plan, const EventParameters& parameters, int socket);

}  // namespace nsenterd::service
