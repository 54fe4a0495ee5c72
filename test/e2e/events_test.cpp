// ListEvents: the events under way, and their changes for those who follow them.
#include <string>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using States = std::vector<std::string>;

/// A client that has been given the list, and is told the changes.
class Follower : public EventClient {
 public:
  explicit Follower(const Daemon& daemon) : EventClient(daemon) {
    begin("ListEvents", Json::object(), true);
    Json list = reply();
    CHECK(list["continues"] == true);
    before = list.at("parameters").at("events");
  }

  /// The next change.
  Json change() {
    Json next = reply();
    INFO(next.dump());
    CHECK(next["continues"] == true);
    REQUIRE(next["parameters"]["events"].size() == 1);
    return next["parameters"]["events"][0];
  }
  /// The states that one event comes to, up to its end.
  States states_of_next() {
    States states;
    std::string event;
    while (states.empty() || states.back() != "finished") {
      Json next = change();
      if (event.empty()) event = name_of(next);
      CHECK(next["event"] == event);
      states.push_back(next["state"].get<std::string>());
    }
    return states;
  }

  Json before;
};

TEST_CASE("the list has what is under way, and what is known of it", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  CHECK(fixture.owner.events() == Json::array());
  const Json async = fixture.owner.start(fixture.target, sleep_request(60));
  EventClient sync(fixture.daemon);
  sync.begin("SendRequest", event_parameters(fixture.target, sleep_request(61)));
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 2; }));
  Json list;
  CHECK(wait_until([&] {
    list = fixture.other.events();
    return list.size() == 2 && list[1]["state"] == "running";
  }));
  CHECK(list[0]["event"] == async["event"]);
  CHECK(list[0]["processId"] == async["processId"]);
  CHECK(list[0]["async"] == true);
  CHECK(list[1]["async"] == false);
  const auto agents = fixture.daemon.agents();
  CHECK(std::count(agents.begin(), agents.end(), list[1]["processId"].get<pid_t>()) == 1);
  for (const Json& event : list) {
    CHECK(event["pid"] == fixture.target);
    CHECK(event["message"] == "sleepRequest");
    CHECK(event["state"] == "running");
    CHECK(event.size() == 7);
  }
  const auto age = list[0]["ageMicroseconds"].get<std::int64_t>();
  ::usleep(50000);
  const auto later = fixture.other.events()[0]["ageMicroseconds"].get<std::int64_t>();
  CHECK(age > 0);
  CHECK(later >= age + 50000);
  CHECK(later < 10'000'000);
}

TEST_CASE("a target that was not given by its number has none in the list", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, fixture.target, 0)));
  const Json parameters{{"pidFileDescriptor", 0},
                        {"namespace", kContainerNamespaces},
                        {"request", sleep_request(60)},
                        {"async", true}};
  Json first = fixture.owner.call("io.nsenterd.SendRequest", parameters, {pidfd.get()});
  REQUIRE(succeeded(first));
  fixture.owner.start_sleep(0, {{"targetEvent", first["parameters"]["event"]}});
  Json list = fixture.other.events();
  REQUIRE(list.size() == 2);
  CHECK_FALSE(list[0].contains("pid"));
  CHECK_FALSE(list[1].contains("pid"));
}

TEST_CASE("a follower is told of every change as it happens", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string running = fixture.owner.start_sleep(fixture.target);
  Follower follower(fixture.daemon);
  REQUIRE(follower.before.size() == 1);
  CHECK(follower.before[0]["event"] == running);
  CHECK(follower.before[0]["state"] == "running");

  CHECK(succeeded(fixture.owner.request(fixture.target, sleep_request(0))));
  CHECK(follower.states_of_next() == States{"starting", "running", "finished"});

  const std::string event = fixture.owner.start_sleep(fixture.target);
  Json change = follower.change();
  CHECK(change["event"] == event);
  CHECK(change["state"] == "starting");
  CHECK(change["processId"] == 0);
  change = follower.change();
  CHECK(change["state"] == "running");
  CHECK(process_exists(change["processId"].get<pid_t>()));
  CHECK_FALSE(follower.has_reply(milliseconds(100)));
  CHECK(succeeded(fixture.other.terminate(event)));
  CHECK(follower.states_of_next() == States{"terminating", "finished"});

  fixture.owner.close();
  CHECK(follower.states_of_next() == States{"terminating", "finished"});
  CHECK_FALSE(follower.has_reply(milliseconds(50)));
}

TEST_CASE("a follower is told the end of events that fail", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.container.shell("echo 0 > /proc/sys/user/max_uts_namespaces");
  Follower follower(fixture.daemon);
  const Json timeout{{"timeoutMilliseconds", 100}};
  CHECK(fixture.owner.request(fixture.target, sleep_request(60), timeout).contains("error"));
  CHECK(follower.states_of_next() == States{"starting", "running", "finished"});
  CHECK(fixture.owner.request(fixture.target, sleep_request(0), {{"cloneFlags", 0x04000000}})
            .contains("error"));
  CHECK(follower.states_of_next().back() == "finished");
  CHECK(fixture.owner.request(4194304, sleep_request(0)).contains("error"));
  CHECK(follower.states_of_next() == States{"starting", "finished"});
  // What is refused before there is an event is no change.
  CHECK(fixture.owner.request(0, sleep_request(0)).contains("error"));
  CHECK_FALSE(follower.has_reply(milliseconds(50)));
}

TEST_CASE("all followers are told the same, in the same order", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Follower first(fixture.daemon);
  Follower second(fixture.daemon);
  for (int i = 0; i < 20; ++i) fixture.owner.start_sleep(fixture.target);
  fixture.owner.close();
  std::size_t finished = 0;
  while (finished < 20) {
    Json change = first.change();
    Json same = second.change();
    if (change["state"] == "finished") ++finished;
    change.erase("ageMicroseconds");
    same.erase("ageMicroseconds");
    CHECK(change == same);
  }
}

TEST_CASE("a follower that goes away is forgotten", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (int i = 0; i < 10; ++i) Follower{fixture.daemon};
  CHECK(succeeded(fixture.owner.request(fixture.target, sleep_request(0))));
  fixture.check_nothing_left();
  CHECK(fixture.other.statistics()["clients"] == 2);
}

TEST_CASE("a follower that reads nothing does no harm, and can still read everything", "[e2e][events]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Follower lazy(fixture.daemon);
  Follower eager(fixture.daemon);
  const long memory = resident_memory(fixture.daemon.pid());
  constexpr int kEvents = 700;
  for (int i = 0; i < kEvents; ++i) {
    REQUIRE(succeeded(fixture.owner.request(fixture.target, sleep_request(0))));
    CHECK(eager.states_of_next().size() == 3);
  }
  if (!kKeepsFreedMemory) CHECK(resident_memory(fixture.daemon.pid()) < memory + 8 * 1024);
  for (int i = 0; i < kEvents; ++i) {
    REQUIRE(lazy.states_of_next() == States{"starting", "running", "finished"});
  }
  CHECK_FALSE(lazy.has_reply(milliseconds(20)));
}

TEST_CASE("wrong parameters of ListEvents and GetStatistics are named", "[e2e][events]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  EventClient client(daemon);
  for (const char* method : {"ListEvents", "GetStatistics"}) {
    Json reply = client.ask(method, {{"surplus", 1}});
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    CHECK(reply["parameters"]["parameter"] == "surplus");
  }
}

}  // namespace
}  // namespace nsenterd::test
