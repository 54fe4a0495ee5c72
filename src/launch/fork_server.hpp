// The fork server: forks an agent for every request on its control socket (runs in nsenter-agent, or in a
// program that embeds the library, before main and before static initialisers). No heap, no exceptions.
#pragma once

#include "nsjoin/join.hpp"

namespace nsenterd::launch {

/// What the constructor leaves behind in a process that has joined its namespaces.
struct Spawned {
  bool joined = false;
  nsjoin::PrivateMounts mounts;
};

/// Whether this process is a freshly joined agent, and its private mounts. The event's socket is
/// nsjoin::kSocket.
const Spawned& spawned() noexcept;

/// Tells the service, on the event's socket, what this process could not join or create, and ends it.
[[noreturn]] void give_up(const nsjoin::StepFailure& failure) noexcept;

/// Serves the control socket. Returns only in a child, once it has joined its namespaces; ends the process
/// when the control socket does.
nsjoin::PrivateMounts serve_forks() noexcept;

}  // namespace nsenterd::launch
