// Descriptors of files whose filesystem belongs to somebody else: closing one asks that filesystem, which need not answer.
#include <fcntl.h>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/unflushed_file.hpp"

namespace nsenterd::test {
namespace {

const Json kOpenFile = openat2_request({}, {.path = "/mnt/file", .verifyfs = true});

TEST_CASE("a file whose closing is never answered keeps the daemon from nothing", "[e2e][openat2]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::none);
  container.shell("mkdir -p /mnt");
  const Daemon daemon;
  RawClient client(daemon.socket());
  RawClient other(daemon.socket());
  {
    const UnflushedFile file(container, "/mnt");
    const Json reply = client.request(container.pid(), kOpenFile);
    INFO(reply.dump());
    REQUIRE(reply["parameters"]["response"]["payload"] == Json{{"fd", 0}});
    REQUIRE(client.descriptors().size() == 1);
    // One is closed by the agent, which ends with it; one by the daemon.
    CHECK(wait_until([&] { return file.waiting() >= 2; }));
    for (int i = 0; i < 10; ++i) {
      CHECK(other.call("org.varlink.service.GetInfo").contains("parameters"));
      CHECK(client.request(container.pid(),
                           read_request("/proc/uptime"))["parameters"]["response"]["message"] ==
            "readFileResponse");
    }
    // A client's own descriptor, which is no pidfd.
    const Json parameters{{"pidFileDescriptor", 0}, {"request", read_request("/proc/uptime")}};
    CHECK(other.call("io.nsenterd.SendRequest", parameters,
                     {client.descriptors().front().get()})["parameters"]["parameter"] == "pidFileDescriptor");
    CHECK(wait_until([&] { return file.waiting() >= 3; }));
    CHECK(other.call("org.varlink.service.GetInfo").contains("parameters"));
    CHECK(client.call("org.varlink.service.GetInfo").contains("parameters"));
  }
  // Once the filesystem is gone, nothing waits any more.
  CHECK(wait_until([&] { return daemon.agents().empty(); }));
}

}  // namespace
}  // namespace nsenterd::test
