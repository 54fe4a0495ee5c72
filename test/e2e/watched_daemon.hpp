// A daemon, a client of it, and the check that an event leaves the daemon as it was.
#pragma once

#include <string>

#include "support/catch.hpp"
#include "support/daemon.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

struct WatchedDaemon {
  Daemon daemon;
  RawClient client{daemon.socket()};
  std::size_t descriptors = 0;

  WatchedDaemon() {
    // The daemon has accepted this connection, and seen the end of the one that waited for it to start.
    client.call("org.varlink.service.GetInfo");
    descriptors = descriptors_of(daemon.pid()).size();
  }

  void check_nothing_left() const {
    CHECK(wait_until([this] { return daemon.agents().empty(); }));
    CHECK(wait_until([this] { return descriptors_of(daemon.pid()).size() == descriptors; }));
  }

  /// The parameter that is blamed.
  std::string blamed(pid_t target, const Json& message, const Json& parameters = Json::object()) {
    return blamed_by(client.request(target, message, parameters));
  }

  std::string blamed_by(const Json& reply) const {
    INFO(reply.dump());
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    check_nothing_left();
    return reply.contains("parameters") ? reply["parameters"].value("parameter", "") : "";
  }
};

}  // namespace nsenterd::test
