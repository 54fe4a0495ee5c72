// The descriptors that a new agent is given, and where it keeps them. (Daemon side and forked child.)
#pragma once

#include <array>

#include "nsjoin/join_plan.hpp"
#include "nsjoin/namespace_table.hpp"

namespace nsenterd::nsjoin {

/// Where the forked child keeps its descriptors. Everything else is closed before the join, so that the
/// container finds nothing of the host in the agent. The event's socket takes the place of the standard
/// streams: a stray line of a C library then goes to the daemon, never into a file of the container.
inline constexpr int kSocket = 0;
/// The first of those that the plan asks for. They are closed once they have been used.
inline constexpr int kFirstOfPlan = 3;
/// The socket and all that a plan can ask for.
inline constexpr int kMaxDescriptors = 1 + 1 + static_cast<int>(kNamespaceTable.size()) + 2;

/// Where those are that the plan asks for, one after the other: also the order in which they are sent, after the socket. -1 where it
/// does not ask for one.
struct Places {
  /// The target's pidfd.
  int target = -1;
  /// Of the namespaces that were opened, in the order of kNamespaceTable.
  std::array<int, kNamespaceTable.size()> namespaces{};
  int root = -1;
  int working_directory = -1;
  /// The first that is not theirs.
  int end = kFirstOfPlan;
};

constexpr Places places_of(const JoinPlan& plan) noexcept {
  Places places;
  const auto next = [&places](bool wanted) { return wanted ? places.end++ : -1; };
  places.target = next(plan.join != 0);
  for (std::size_t i = 0; i < kNamespaceTable.size(); ++i) {
    places.namespaces[i] = next((plan.join_opened & kNamespaceTable[i].flag) != 0);
  }
  places.root = next(plan.has_root);
  places.working_directory = next(plan.has_working_directory);
  return places;
}

}  // namespace nsenterd::nsjoin
