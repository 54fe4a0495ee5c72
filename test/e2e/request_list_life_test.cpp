// Several requests in one event: what becomes of its processes, however it ends.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "request_list.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/stalled_mount.hpp"
#include "warm_fixture.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;
using message::lookup;
using std::chrono::seconds;

constexpr char kNoSuchEvent[] = "io.nsenterd.NoSuchEvent";

/// Events whose second request never ends. It acts for somebody and is not the last, so that a child of the agent runs it.
struct StalledList {
  explicit StalledList(Kind kind)
      : served(kind), stalled(prepared(served), "/stalled"), client(served.daemon()) {
    CHECK(client.events().empty());
    descriptors = descriptors_of(served.daemon().pid()).size();
  }

  static const Container& prepared(const ServedContainer& served) {
    served.put_directory("/stalled");
    served.put_file("/after", "");
    return served.container();
  }

  /// Starts an asynchronous one; returns when the child waits.
  std::string start(Json more = Json::object()) {
    more.update(following(requests));
    Json started = client.start(served.container().pid(), requests[0], std::move(more));
    agent = started["processId"];
    REQUIRE(wait_until([&] {
      child = other_process();
      return child != 0 && StalledMount::holds(child);
    }));
    return started["event"];
  }
  /// Of the event, besides the agent.
  [[nodiscard]] pid_t other_process() {
    for (const pid_t parent : {served.daemon().pid(), agent}) {
      for (const pid_t process : children_of(parent)) {
        if (process != agent && process != served.daemon().fork_server()) return process;
      }
    }
    return 0;
  }

  Json received(const std::string& event) { return client.about("ReceiveResponse", event); }

  /// Not even a dead one, of the daemon or of the container.
  void check_nothing_left() {
    for (const pid_t process : {agent, child}) {
      if (process != 0) CHECK(wait_until([&] { return !process_exists(process); }));
    }
    CHECK(nothing_left(served.daemon(), descriptors));
    CHECK(children_of(served.container().pid()).empty());
    CHECK(client.events().empty());
    CHECK(client.statistics()["agentsRunning"] == 0);
    CHECK(client.statistics()["agentsStuck"] == 0);
    CHECK(read_file(served.path("/after")).empty());
  }

  ListContainer served;
  StalledMount stalled;
  EventClient client;
  std::vector<Json> requests{lookup("/"), openat2_request({}, {.path = "/stalled/file"}),
                             message::write_file("/after", "eA==")};
  std::size_t descriptors = 0;
  pid_t agent = 0;
  pid_t child = 0;
};

/// Also without the container's pid namespace, and with one of the event's own.
Json any_namespaces() {
  return GENERATE(Json::object(), Json{{"namespace", {"user", "mnt"}}}, Json{{"cloneFlags", CLONE_NEWPID}});
}

TEST_CASE("an event that times out in the middle leaves nothing", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(GENERATE(Kind::none, Kind::mapped));
  Json more = any_namespaces();
  CAPTURE(more.dump());
  more["timeoutMilliseconds"] = 500;
  SECTION("while a child runs") {
    CHECK(list.received(list.start(more))["error"] == "io.nsenterd.TimedOut");
    list.check_nothing_left();
  }
  SECTION("while the agent runs the last one, after a child has ended") {
    const std::vector<Json> requests{openat2_request({}, {.path = "/after"}), sleep_request(60),
                                     message::write_file("/after", "eA==")};
    more.update(following(requests));
    Json reply = list.client.request(list.served.container().pid(), requests[0], more);
    CHECK(reply["error"] == "io.nsenterd.TimedOut");
    CHECK(list.client.descriptors().empty());
    list.check_nothing_left();
  }
}

TEST_CASE("an event that is terminated in the middle is gone when that is answered", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(GENERATE(Kind::none, Kind::mapped));
  const Json more = any_namespaces();
  CAPTURE(more.dump());
  const std::string event = list.start(more);
  CHECK(succeeded(list.client.terminate(event)));
  CHECK_FALSE(process_exists(list.agent));
  CHECK_FALSE(process_exists(list.child));
  CHECK(list.received(event)["error"] == kNoSuchEvent);
  list.check_nothing_left();
}

TEST_CASE("an event ends with its client also while a child of its agent runs", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(Kind::mapped);
  {
    EventClient leaves(list.served.daemon());
    Json more = following(list.requests);
    leaves.begin("SendRequest", event_parameters(list.served.container().pid(), list.requests[0], more));
    REQUIRE(wait_until([&] {
      const auto processes = list.served.daemon().agents();
      return std::any_of(processes.begin(), processes.end(), StalledMount::holds);
    }));
    CHECK(list.served.daemon().agents().size() == 2);
  }
  list.check_nothing_left();
}

TEST_CASE("an event fails when somebody kills its agent, or the child that works for it", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(GENERATE(Kind::none, Kind::mapped));
  const Json more = any_namespaces();
  CAPTURE(more.dump());
  const bool of_child = GENERATE(false, true);
  CAPTURE(of_child);
  const std::string event = list.start(more);
  ::kill(of_child ? list.child : list.agent, SIGKILL);
  Json reply = list.received(event);
  INFO(reply.dump());
  CHECK(reply["error"] == "io.nsenterd.AgentDied");
  CHECK(reply["parameters"] == (of_child ? Json{{"status", 1}} : Json{{"signal", SIGKILL}}));
  list.check_nothing_left();
}

TEST_CASE("a child that somebody has stopped ends with the event's time", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(Kind::mapped);
  const std::string event = list.start({{"timeoutMilliseconds", 500}});
  ::kill(list.child, SIGSTOP);
  CHECK(list.received(event)["error"] == "io.nsenterd.TimedOut");
  list.check_nothing_left();
}

TEST_CASE("a daemon that ends leaves nobody, also where a child of an agent runs", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(GENERATE(Kind::none, Kind::mapped));
  const Json more = any_namespaces();
  CAPTURE(more.dump());
  const int signal = GENERATE(SIGKILL, SIGTERM);
  CAPTURE(signal);
  // Before it has taken the personality, and afterwards.
  const bool is_itself = GENERATE(true, false);
  CAPTURE(is_itself);
  if (is_itself) list.requests[1] = openat2_request({.cwd = "/stalled/directory"}, {.path = "/"});
  list.start(more);
  if (signal == SIGTERM) {
    // The first one waits for the event, the second does not.
    list.served.daemon().send_signal(signal);
    REQUIRE(wait_until(
        [&] { return list.served.reply(lookup("/"))["parameters"].value("limit", "") == "draining"; }));
  }
  list.served.daemon().end(signal);
  for (const pid_t process : {list.agent, list.child}) {
    CAPTURE(process == list.child);
    CHECK(wait_until(
        [&] { return !process_exists(process) || status_field(process, "State").starts_with("Z"); },
        seconds(1)));
  }
  CHECK(children_of(list.served.container().pid()).empty());
}

TEST_CASE("where no child can be made, that is the error, and the list ends", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(Kind::mapped);
  list.requests = {sleep_request(1), openat2_request({}, {.path = "/after"}),
                   message::write_file("/after", "eA==")};
  Json started = list.client.start(list.served.container().pid(), list.requests[0], following(list.requests));
  // Who is root of a container only has a limit.
  const rlimit none{0, 0};
  list.agent = started["processId"];
  REQUIRE(::prlimit(list.agent, RLIMIT_NPROC, &none, nullptr) == 0);
  const auto responses = responses_of(list.received(name_of(started)));
  REQUIRE(types_of(responses) == std::vector<std::string>{"sleepResponse", "errorResponse"});
  CHECK(responses[1]["payload"]["code"] == EAGAIN);
  CHECK(responses[1]["payload"]["message"] == "fork: resource temporarily unavailable");
  list.check_nothing_left();
}

TEST_CASE("an asynchronous event has all of its responses at the end", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(Kind::mapped);
  const pid_t target = list.served.container().pid();
  const std::vector<Json> requests{lookup("/after"), openat2_request({}, {.path = "/after"}),
                                   sleep_request(0)};
  const std::vector<std::string> types{"lookupResponse", "openat2SyscallResponse", "sleepResponse"};
  SECTION("for who asks for them") {
    Json started = list.client.start(target, requests[0], following(requests));
    CHECK(started.size() == 2);
    Json reply = list.received(name_of(started));
    CHECK(types_of(responses_of(reply)) == types);
    CHECK(reply["parameters"].size() == 2);
    CHECK(list.client.descriptors().size() == 1);
    CHECK(list.received(name_of(started))["error"] == kNoSuchEvent);
  }
  SECTION("for who waits for them with the first call") {
    list.client.begin("SendRequest", async_parameters(target, requests[0], following(requests)), true);
    Json first = list.client.reply();
    CHECK(first["continues"] == true);
    CHECK_FALSE(first["parameters"].contains("response"));
    CHECK_FALSE(first["parameters"].contains("followingResponses"));
    Json last = list.client.reply();
    CHECK_FALSE(last.contains("continues"));
    CHECK(types_of(responses_of(last)) == types);
    CHECK(list.client.descriptors().size() == 1);
  }
  list.client.descriptors().clear();
  list.check_nothing_left();
}

TEST_CASE("an event is listed by its first message, and counted by each that was answered",
          "[e2e][list][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  StalledList list(Kind::mapped);
  const std::string event = list.start();
  Json events = list.client.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0]["message"] == "lookupRequest");
  CHECK(events[0]["state"] == "running");
  CHECK(succeeded(list.client.terminate(event)));
  list.served.responses({lookup("/"), lookup("/after"), lookup("/none"), sleep_request(0)});
  list.served.responses({sleep_request(0), openat2_request({}, {.path = "/after"}), lookup("/")});
  list.served.client().descriptors().clear();
  Json statistics = list.client.statistics();
  INFO(statistics.dump());
  const auto counts = [&](const std::string& message) {
    Json counted = statistics_of(statistics, message);
    return Json{counted.at("requests"), counted.at("errorResponses"), counted.at("failures")};
  };
  CHECK(counts("lookupRequest") == Json({5, 1, 1}));
  CHECK(counts("sleepRequest") == Json({1, 0, 0}));
  CHECK(counts("openat2SyscallRequest") == Json({1, 0, 0}));
  CHECK(statistics_of(statistics, "writeFileRequest") == nullptr);
}

TEST_CASE("a warm agent serves a list, unless one of its requests changes a process", "[e2e][list][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  WarmRunc fixture(kWarm, Kind::mapped);
  const Json read = read_request(kContainerFile);
  const pid_t first = fixture.ask();
  CHECK(fixture.ask(read, following({read, read, read})) == first);
  CHECK(fixture.ask(read, following({read, read_request("/does/not/exist"), read})) == first);
  CHECK(fixture.only_warm(1));
  for (const auto& requests : {std::vector<Json>{read, message::listxattr("/", 64)},
                               std::vector<Json>{message::listxattr("/", 64), read},
                               std::vector<Json>{read, message::listxattr("/", 64), read}}) {
    const pid_t own = fixture.ask(requests[0], following(requests));
    CHECK(own != first);
    CHECK(wait_until([&] { return !process_exists(own); }));
    CHECK(fixture.only_warm(1));
  }
  CHECK(fixture.ask() == first);
}

}  // namespace
}  // namespace nsenterd::test
