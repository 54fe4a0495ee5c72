// How a client finds the daemon, and what it keeps.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace nsenterd {

struct ClientOptions {
  std::string socket = "/run/nsenterd/nsenterd.sock";
  /// Connections that are kept for the next call; those beyond it are closed when their call is done.
  std::size_t idle_connections = 16;
  /// How long a call waits for a daemon that does not listen, as between the end of one and the start of the next; less if its
  /// deadline is nearer.
  std::chrono::milliseconds patience = std::chrono::seconds(1);
};

}  // namespace nsenterd
