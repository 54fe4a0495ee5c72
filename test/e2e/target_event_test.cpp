// targetEvent: requests into the namespaces of another event's agent.
#include <string>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"
#include "wire/base64.hpp"

namespace nsenterd::test {
namespace {

constexpr char kInvalidParameter[] = "org.varlink.service.InvalidParameter";
const Json kMountInfo{{"message", "mountInfoRequest"}, {"payload", nullptr}};

Json towards(const std::string& event, Json more = Json::object()) {
  more["targetEvent"] = event;
  return more;
}

/// The bytes of a mountInfoResponse; fails if the reply is none.
std::string mount_table_of(const Json& reply) {
  INFO(reply.dump());
  REQUIRE(succeeded(reply));
  REQUIRE(reply["parameters"]["response"]["message"] == "mountInfoResponse");
  return wire::decode_base64(reply["parameters"]["response"]["payload"]["data"].get<std::string>()).value();
}

/// What sysbox-fs does for the mount table of a chrooted process.
void check_mount_table_sequence(EventFixture& fixture, const Container& container) {
  const std::string expected = container.output_of({"cat", "/proc/self/mountinfo"});
  Json started = fixture.owner.start(container.pid(), sleep_request(30), {{"timeoutMilliseconds", 30000}});
  const std::string event = name_of(started);
  // By its name, from either connection, and by its process id.
  CHECK(mount_table_of(fixture.owner.ask("SendRequest", event_parameters(0, kMountInfo, towards(event)))) ==
        expected);
  CHECK(mount_table_of(fixture.other.ask("SendRequest", event_parameters(0, kMountInfo, towards(event)))) ==
        expected);
  CHECK(mount_table_of(fixture.other.request(started["processId"].get<pid_t>(), kMountInfo)) == expected);
  CHECK(succeeded(fixture.owner.terminate(event)));
  CHECK_FALSE(process_exists(started["processId"].get<pid_t>()));
  fixture.check_nothing_left();
}

TEST_CASE("the mount table is read through an agent that sleeps in the container", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  check_mount_table_sequence(fixture, fixture.container);
  check_mount_table_sequence(fixture, RuncContainer(RuncContainer::UserNamespace::mapped));
  check_mount_table_sequence(fixture, RuncContainer(RuncContainer::UserNamespace::none));
}

TEST_CASE("the namespaces entered are those that the other agent created", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string created[] = {"mnt", "uts", "ipc", "net", "pid"};
  const int flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID;
  Json first = fixture.owner.start(fixture.target, sleep_request(60), {{"cloneFlags", flags}});
  Json second = fixture.owner.start(0, sleep_request(60), towards(name_of(first)));
  const pid_t agent = first["processId"].get<pid_t>();
  const pid_t guest = second["processId"].get<pid_t>();
  for (const std::string& name : created) {
    INFO(name);
    CHECK(namespace_inode(agent, name) != namespace_inode(fixture.target, name));
    CHECK(namespace_inode(guest, name) == namespace_inode(agent, name));
  }
  for (const char* name : {"user", "cgroup"}) {
    CHECK(namespace_inode(guest, name) == namespace_inode(fixture.target, name));
  }
  // Process 1 of its pid namespace takes everything in there along.
  CHECK(succeeded(fixture.other.terminate(name_of(first))));
  CHECK(gone_within_a_second(guest));
}

TEST_CASE("a user namespace that an agent created is entered, too", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Json first =
      fixture.owner.start(fixture.target, sleep_request(60), {{"cloneFlags", CLONE_NEWUSER | CLONE_NEWNS}});
  Json second = fixture.other.start(0, sleep_request(60), towards(name_of(first)));
  const pid_t agent = first["processId"].get<pid_t>();
  const pid_t guest = second["processId"].get<pid_t>();
  CHECK(namespace_inode(agent, "user") != namespace_inode(fixture.target, "user"));
  for (const char* name : {"user", "mnt"}) {
    CHECK(namespace_inode(guest, name) == namespace_inode(agent, name));
  }
}

TEST_CASE("an event that is not there is no target", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const auto error_of = [&](const std::string& event) {
    return fixture.other.ask("SendRequest", event_parameters(0, sleep_request(0), towards(event)));
  };
  for (const char* unknown : {"1000000", "", "x", "0"}) {
    CHECK(error_of(unknown) ==
          Json({{"error", "io.nsenterd.NoSuchEvent"}, {"parameters", {{"event", unknown}}}}));
  }
  const std::string ended = name_of(fixture.owner.start(fixture.target, sleep_request(0)));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  // Its name lives until somebody has received its response.
  CHECK(error_of(ended)["error"] == "io.nsenterd.NoSuchTarget");
  CHECK(succeeded(fixture.owner.about("ReceiveResponse", ended)));
  CHECK(error_of(ended)["error"] == "io.nsenterd.NoSuchEvent");
  fixture.check_nothing_left();
}

TEST_CASE("an event whose agent is not there yet is no target", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  std::string event;
  {
    const Stopped fork_server(fixture.daemon.fork_server());
    fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60)));
    Json events = Json::array();
    wait_until([&] { return (events = fixture.other.events()).size() == 1; });
    REQUIRE(events.size() == 1);
    event = name_of(events[0]);
    CHECK(fixture.other.ask("SendRequest", event_parameters(0, sleep_request(0), towards(event)))["error"] ==
          "io.nsenterd.NoSuchTarget");
  }
  CHECK(succeeded(fixture.owner.reply()));
  CHECK(succeeded(fixture.other.ask("SendRequest", event_parameters(0, sleep_request(0), towards(event)))));
}

TEST_CASE("the target is given in exactly one way", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target);
  const auto refused = [&](Json parameters) {
    parameters["request"] = sleep_request(0);
    Json reply = fixture.other.ask("SendRequest", parameters);
    CHECK(reply["error"] == kInvalidParameter);
    return reply["parameters"]["parameter"];
  };
  CHECK(refused({{"targetEvent", event}, {"pid", fixture.target}}) == "targetEvent");
  CHECK(refused({{"targetEvent", event}, {"pidFileDescriptor", 0}}) == "pidFileDescriptor");
  CHECK(refused({{"targetEvent", 1}}) == "targetEvent");
  CHECK(refused({{"targetEvent", nullptr}}) == "pid");
  CHECK(succeeded(fixture.owner.terminate(event)));
  fixture.check_nothing_left();
}

TEST_CASE("an agent that stayed in the host's mount namespace is no target", "[e2e][target]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target, {{"namespace", {"net"}}});
  CHECK(fixture.owner.ask("SendRequest",
                          event_parameters(0, read_request("/etc/shadow"),
                                           towards(event, {{"namespace", Json::array()}})))["error"] ==
        "org.varlink.service.PermissionDenied");
}

}  // namespace
}  // namespace nsenterd::test
