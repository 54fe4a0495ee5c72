// What a test of agents that are kept begins with: a container, a daemon that keeps agents, and a client of it.
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/event_client.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

/// There in every container.
inline constexpr char kContainerFile[] = "/proc/sys/kernel/hostname";

/// Options of a daemon that keeps agents.
inline const std::vector<std::string> kWarm{"--warm-agents", "64"};

/// ContainerType is one of support/container.hpp.
template <class ContainerType>
struct WarmFixture {
  template <class... Arguments>
  explicit WarmFixture(std::vector<std::string> options = kWarm, Arguments... arguments)
      : container(arguments...), daemon(std::move(options)), client(daemon), target(container.pid()) {}
  WarmFixture(const WarmFixture&) = delete;
  WarmFixture& operator=(const WarmFixture&) = delete;
  /// While the daemon is there to reap them: process 1 takes its time, and the container waits for that.
  ~WarmFixture() {
    client.close();
    daemon.end(SIGTERM);
  }

  /// Sends a request that is to be answered, and returns which agent did it.
  pid_t ask(const Json& message = read_request(kContainerFile), Json more = Json::object()) {
    Json reply = client.request(target, message, std::move(more));
    INFO(reply.dump());
    REQUIRE(succeeded(reply));
    return reply["parameters"]["processId"];
  }

  int warm() { return client.statistics()["agentsWarm"]; }
  /// Whether so many agents are kept, and no other process is there, within five seconds.
  bool only_warm(std::size_t count) {
    return wait_until([&] {
      return daemon.agents().size() == count && client.statistics()["agentsWarm"] == count &&
             client.statistics()["agentsRunning"] == 0;
    });
  }

  ContainerType container;
  Daemon daemon;
  EventClient client;
  pid_t target;
};

using WarmUnshared = WarmFixture<UnshareContainer>;
using WarmRunc = WarmFixture<RuncContainer>;

}  // namespace nsenterd::test
