// What a test of events begins with: a container, a daemon, and two clients of it.
#pragma once

#include <string>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/event_client.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

struct EventFixture {
  EventFixture() : EventFixture(std::vector<std::string>{}) {}
  explicit EventFixture(const std::vector<std::string>& options)
      : daemon(options), owner(daemon), other(daemon) {
    // Both are served, and an event has been run, before anything is counted.
    CHECK(succeeded(other.request(target, sleep_request(0))));
    CHECK(owner.events().empty());
    CHECK(wait_until([&] { return daemon.agents().empty(); }));
    descriptors = descriptors_of(daemon.pid()).size();
  }

  EventFixture(const EventFixture&) = delete;
  EventFixture& operator=(const EventFixture&) = delete;
  /// While the daemon is there to reap them: process 1 takes its time, and the container waits for that.
  ~EventFixture() {
    owner.close();
    other.close();
    if (daemon.pid() != 0) wait_until([&] { return daemon.agents().empty(); });
  }

  /// The only agent there is.
  [[nodiscard]] pid_t agent() const {
    pid_t agent = 0;
    wait_until([&] {
      const auto agents = daemon.agents();
      if (agents.size() == 1) agent = agents.front();
      return agent != 0;
    });
    return agent;
  }

  /// Whether an event is over everywhere: no process, no name, no descriptor.
  void check_nothing_left() {
    CHECK(nothing_left(daemon, descriptors));
    CHECK(other.events().empty());
    CHECK(other.statistics()["agentsRunning"] == 0);
  }

  UnshareContainer container;
  Daemon daemon;
  pid_t target = container.pid();
  /// Starts the events, as a rule.
  EventClient owner;
  EventClient other;
  std::size_t descriptors = 0;
};

inline std::string name_of(const Json& parameters) {
  return parameters.at("event").get<std::string>();
}

/// Whether a process is gone within a second, reaped and all.
inline bool gone_within_a_second(pid_t pid) {
  return wait_until([&] { return !process_exists(pid); }, std::chrono::seconds(1));
}

}  // namespace nsenterd::test
