// Agents that are kept for the next event, as clients and containers see them.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>

#include "event_fixture.hpp"
#include "support/message_requests.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "warm_fixture.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = RuncContainer::UserNamespace;

/// Whether any process of the machine is in that network namespace.
bool anybody_in_network(std::uint64_t inode) {
  const std::string link = "net:[" + std::to_string(inode) + "]";
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path() / "ns/net", gone) == link) return true;
  }
  return false;
}

bool is_gone_or_dead(pid_t pid) {
  return !process_exists(pid) || status_field(pid, "State").starts_with("Z");
}

TEST_CASE("an agent that has answered is counted as warm, and serves the next request", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  CHECK(fixture.warm() == 0);
  const pid_t first = fixture.ask();
  CHECK(fixture.only_warm(1));
  CHECK(fixture.ask() == first);
  CHECK(fixture.ask(read_request("/does/not/exist")) == first);
  // As an asynchronous event too, whose process is told before it is done.
  Json started = fixture.client.start(fixture.target, read_request(kContainerFile));
  CHECK(started["processId"] == first);
  CHECK(succeeded(fixture.client.about("ReceiveResponse", name_of(started))));
  CHECK(fixture.only_warm(1));
  CHECK(fixture.ask(read_request(kContainerFile, true)) != first);
  CHECK(fixture.only_warm(2));
}

TEST_CASE("who asks for a fresh agent gets one, which is not kept", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  const pid_t first = fixture.ask();
  std::set<pid_t> seen{first};
  for (int i = 0; i < 5; ++i) {
    CHECK(seen.insert(fixture.ask(read_request(kContainerFile), {{"freshAgent", true}})).second);
    CHECK(fixture.only_warm(1));
  }
  CHECK(fixture.ask(read_request(kContainerFile), {{"freshAgent", false}}) == first);
  CHECK(fixture.ask(read_request(kContainerFile), {{"freshAgent", nullptr}}) == first);
  for (const Json& wrong : {Json(1), Json("true"), Json::array(), Json::object()}) {
    INFO(wrong.dump());
    Json reply =
        fixture.client.request(fixture.target, read_request(kContainerFile), {{"freshAgent", wrong}});
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    CHECK(reply["parameters"]["parameter"] == "freshAgent");
  }
}

TEST_CASE("an event with namespaces of its own has an agent of its own, which is not kept", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  const pid_t first = fixture.ask();
  for (const int flag : {CLONE_NEWUTS, CLONE_NEWPID}) {
    CHECK(fixture.ask(read_request(kContainerFile), {{"cloneFlags", flag}}) != first);
    CHECK(fixture.only_warm(1));
  }
  CHECK(fixture.ask() == first);
}

TEST_CASE("a daemon that is told so keeps no agent, or keeps it for as long as it is told", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  SECTION("none") {
    WarmUnshared fixture({"--warm-agents", "0"});
    const pid_t first = fixture.ask();
    CHECK(fixture.warm() == 0);
    CHECK(gone_within_a_second(first));
    CHECK(fixture.ask() != first);
    CHECK(fixture.only_warm(0));
  }
  SECTION("for a short time") {
    WarmUnshared fixture({"--warm-agents", "64", "--warm-agent-time", "100ms"});
    const auto begin = Clock::now();
    const pid_t first = fixture.ask();
    CHECK(gone_within_a_second(first));
    CHECK(Clock::now() - begin >= milliseconds(100));
    CHECK(fixture.only_warm(0));
  }
}

TEST_CASE("two clients that ask at once get two agents, each with one event at a time", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  EventClient other(fixture.daemon);
  std::set<pid_t> agents;
  for (int round = 0; round < 3; ++round) {
    Json one = fixture.client.start(fixture.target, sleep_request(1));
    Json two = other.start(fixture.target, sleep_request(1));
    CHECK(one["processId"] != two["processId"]);
    agents.insert({one["processId"].get<pid_t>(), two["processId"].get<pid_t>()});
    CHECK(fixture.client.statistics()["agentsRunning"] == 2);
    CHECK(fixture.warm() == 0);
    CHECK(succeeded(fixture.client.about("ReceiveResponse", name_of(one))));
    CHECK(succeeded(other.about("ReceiveResponse", name_of(two))));
    CHECK(fixture.only_warm(2));
  }
  CHECK(agents.size() == 2);
}

TEST_CASE("an operation that takes a personality never has a warm agent, and leaves none", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    const pid_t first = fixture.ask();
    std::set<pid_t> seen{first};
    for (const Json& request :
         {openat2_request({}, {.path = "/proc/uptime"}), message::getxattr("/", "user.x", 64),
          message::listxattr("/", 64), message::mount({message::tmpfs_on("/tmp")}),
          message::on_behalf(read_request(kContainerFile)),
          message::on_behalf(message::open_file("/etc/passwd", O_RDWR)),
          message::on_behalf(message::write_file("/etc/passwd", ""))}) {
      INFO(request.dump());
      CHECK(seen.insert(fixture.ask(request)).second);
      CHECK(fixture.only_warm(1));
      // Also where it is not the only one of its event, first or last.
      CHECK(
          seen.insert(fixture.ask(request, {{"followingRequests", {read_request(kContainerFile)}}})).second);
      CHECK(fixture.only_warm(1));
      CHECK(
          seen.insert(fixture.ask(read_request(kContainerFile), {{"followingRequests", {request}}})).second);
      CHECK(fixture.only_warm(1));
    }
    // These take none.
    CHECK(fixture.ask(message::umount({message::umount_of("/tmp")})) == first);
    CHECK(fixture.ask(message::on_behalf(read_request(kContainerFile), nullptr)) == first);
    CHECK(fixture.ask(message::open_file("/etc/passwd", O_RDWR)) == first);
    CHECK(fixture.ask(message::write_file("/etc/passwd", "")) == first);
    CHECK(fixture.ask() == first);
  }
}

TEST_CASE("an event on a warm agent that is terminated ends that agent", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  const pid_t first = fixture.ask();
  Json started = fixture.client.start(fixture.target, sleep_request(60));
  REQUIRE(started["processId"] == first);
  CHECK(succeeded(fixture.client.terminate(name_of(started))));
  CHECK_FALSE(process_exists(first));
  CHECK(fixture.only_warm(0));
  CHECK(fixture.ask() != first);
}

TEST_CASE("an event on a warm agent ends with its client", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  for (const bool async : {false, true}) {
    CAPTURE(async);
    const pid_t first = fixture.ask();
    {
      EventClient leaves(fixture.daemon);
      leaves.begin("SendRequest", event_parameters(fixture.target, sleep_request(60), {{"async", async}}));
      REQUIRE(wait_until([&] { return fixture.client.statistics()["agentsRunning"] == 1; }));
      CHECK(fixture.warm() == 0);
      CHECK(fixture.daemon.agents() == std::vector{first});
    }
    CHECK(gone_within_a_second(first));
    CHECK(fixture.only_warm(0));
  }
}

TEST_CASE("warm agents end with their container, and nothing of it is held", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    const UnshareContainer other;
    const auto network = namespace_inode(fixture.target, "net");
    // Also one outside of the container's pid namespace, which the kernel does not end with it.
    const std::set<pid_t> agents{fixture.ask(), fixture.ask(read_request(kContainerFile, true)),
                                 fixture.ask(sleep_request(0), {{"namespace", {"net"}}})};
    CHECK(agents.size() == 3);
    Json reply = fixture.client.request(other.pid(), read_request(kContainerFile));
    REQUIRE(succeeded(reply));
    CHECK(fixture.only_warm(4));
    CHECK(anybody_in_network(network));
    CHECK(fixture.container.kill().status == 0);
    for (const pid_t agent : agents) CHECK(gone_within_a_second(agent));
    CHECK(fixture.container.remove_stopped().status == 0);
    CHECK_FALSE(anybody_in_network(network));
    // The other container's stays.
    CHECK(fixture.only_warm(1));
    CHECK(fixture.client.request(fixture.target, read_request(kContainerFile))["error"] ==
          "io.nsenterd.NoSuchTarget");
    CHECK(fixture.client.request(other.pid(), read_request(kContainerFile))["parameters"]["processId"] ==
          reply["parameters"]["processId"]);
  }
}

TEST_CASE("a warm agent that has been stopped ends like the others", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  // Not in the container's pid namespace, with which the kernel would end it.
  const Json in_network{{"namespace", {"net"}}};
  SECTION("when it has been idle for long enough") {
    WarmUnshared fixture({"--warm-agents", "64", "--warm-agent-time", "100ms"});
    const pid_t agent = fixture.ask(sleep_request(0), in_network);
    ::kill(agent, SIGSTOP);
    CHECK(gone_within_a_second(agent));
  }
  SECTION("with the container") {
    WarmRunc fixture(kWarm, Kind::mapped);
    const pid_t agent = fixture.ask(sleep_request(0), in_network);
    const Stopped stopped(agent);
    CHECK(fixture.container.kill().status == 0);
    CHECK(gone_within_a_second(agent));
    CHECK(fixture.container.remove_stopped().status == 0);
  }
}

TEST_CASE("a warm agent keeps no mount of the container busy", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    const pid_t first = fixture.ask();
    // What is mounted after the agent has joined, and what is mounted before another does.
    for (const bool is_joined : {true, false}) {
      CAPTURE(is_joined);
      fixture.container.shell("mkdir -p /tmp/m && mount -t tmpfs t /tmp/m && echo content >/tmp/m/file");
      const Json more = is_joined ? Json::object() : Json{{"namespace", {"user", "mnt", "net"}}};
      const pid_t agent = fixture.ask(message::read_file("/tmp/m/file"), more);
      CHECK((agent == first) == is_joined);
      CHECK(fixture.ask(message::read_dir("/tmp/m"), more) == agent);
      CHECK(fixture.ask(message::lookup("/tmp/m/file"), more) == agent);
      const auto umounted = fixture.container.exec({"umount", "/tmp/m"});
      INFO(umounted.errors);
      CHECK(umounted.status == 0);
      CHECK(process_exists(agent));
      CHECK(fixture.client.request(fixture.target, message::read_file("/tmp/m/file"),
                                   more)["parameters"]["response"]["message"] == "errorResponse");
    }
  }
}

TEST_CASE("a warm agent is in the root that the container has now", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    const pid_t first = fixture.ask();
    fixture.container.shell(
        "mkdir /tmp/new && mount -t tmpfs t /tmp/new && echo new >/tmp/new/file && mount -o move /tmp/new /");
    for (const bool fresh : {true, false, false}) {
      CAPTURE(fresh);
      Json reply =
          fixture.client.request(fixture.target, message::read_file("/file"), {{"freshAgent", fresh}});
      INFO(reply.dump());
      CHECK((reply["parameters"]["processId"] == first) == !fresh);
      CHECK(reply["parameters"]["response"]["message"] == "readFileResponse");
    }
  }
}

TEST_CASE("a daemon with warm agents that have nothing to do ends at once", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const int signal : {SIGTERM, SIGINT}) {
    WarmUnshared fixture;
    fixture.ask();
    fixture.ask(read_request(kContainerFile, true));
    CHECK(fixture.only_warm(2));
    const auto children = children_of(fixture.daemon.pid());
    CHECK(children.size() == 3);
    const auto begin = Clock::now();
    CHECK(fixture.daemon.end(signal) == 0);
    CHECK(Clock::now() - begin < seconds(1));
    for (const pid_t child : children) CHECK(gone_within_a_second(child));
  }
}

TEST_CASE("warm agents end with a daemon that is killed", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    fixture.ask();
    fixture.ask(read_request(kContainerFile, true));
    fixture.ask(sleep_request(0), {{"namespace", {"user", "net"}}});
    CHECK(fixture.only_warm(3));
    const auto children = children_of(fixture.daemon.pid());
    fixture.daemon.end(SIGKILL);
    for (const pid_t child : children) CHECK(wait_until([&] { return is_gone_or_dead(child); }, seconds(1)));
  }
}

TEST_CASE("a fork server that has been stopped ends with a daemon that is killed, too", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmRunc fixture(kWarm, Kind::mapped);
  fixture.ask();
  const pid_t server = fixture.daemon.fork_server();
  CHECK(::kill(server, SIGSTOP) == 0);
  fixture.daemon.end(SIGKILL);
  CHECK(wait_until([&] { return is_gone_or_dead(server); }, seconds(1)));
}

TEST_CASE("warm agents serve without a fork server, and others are started when there is one again",
          "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  const pid_t first = fixture.ask();
  const pid_t server = fixture.daemon.fork_server();
  REQUIRE(server != first);
  {
    // That the daemon sees the end of the one only after it has been asked makes no difference to the other.
    const Stopped daemon(fixture.daemon.pid());
    ::kill(server, SIGKILL);
    fixture.client.begin("SendRequest", event_parameters(fixture.target, read_request(kContainerFile)));
  }
  Json reply = fixture.client.reply();
  INFO(reply.dump());
  REQUIRE(succeeded(reply));
  CHECK(reply["parameters"]["processId"] == first);
  CHECK(gone_within_a_second(server));
  CHECK(fixture.ask() == first);
  CHECK(wait_until([&] {
    return succeeded(
        fixture.client.request(fixture.target, read_request(kContainerFile), {{"freshAgent", true}}));
  }));
  CHECK(fixture.ask() == first);
  CHECK(fixture.ask(read_request(kContainerFile, true)) != first);
  CHECK(fixture.warm() == 2);
}

TEST_CASE("1,000 events in a row leave a daemon with a warm agent as the first did", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmUnshared fixture;
  const pid_t first = fixture.ask();
  // Both kinds have been run before anything is measured.
  CHECK(fixture.ask(read_request("/does/not/exist")) == first);
  CHECK(fixture.only_warm(1));
  const auto children = children_of(fixture.daemon.pid());
  const auto descriptors = descriptors_of(fixture.daemon.pid());
  const auto memory = resident_memory(fixture.daemon.pid());
  const auto memory_of_agent = resident_memory(first);
  for (int i = 0; i < 1000; ++i) {
    const pid_t agent =
        fixture.ask(i % 10 == 9 ? read_request("/does/not/exist") : read_request(kContainerFile));
    if (agent != first) FAIL("another agent for event " << i);
  }
  CHECK(fixture.only_warm(1));
  CHECK(children_of(fixture.daemon.pid()) == children);
  CHECK(descriptors_of(fixture.daemon.pid()) == descriptors);
  if (!kKeepsFreedMemory) {
    CHECK(resident_memory(fixture.daemon.pid()) < memory + 1024);
    CHECK(resident_memory(first) < memory_of_agent + 1024);
  }
}

}  // namespace
}  // namespace nsenterd::test
