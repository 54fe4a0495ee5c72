// SIGTERM: events under way are let finish, nothing new begins, and nothing is left.
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Json kDraining{{"error", "io.nsenterd.Overloaded"}, {"parameters", {{"limit", "draining"}}}};

/// How long a call takes.
template <class Action>
milliseconds time_of(const Action& action) {
  const auto begin = Clock::now();
  action();
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

/// Signal 0 is none: just waits.
int status_of(Daemon& daemon) {
  return daemon.end(0);
}

bool refuses_connections(const Daemon& daemon) {
  try {
    const RawClient client(daemon.socket());
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

TEST_CASE("a daemon with nothing under way ends at once", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const int signal : {SIGTERM, SIGINT}) {
    EventFixture fixture;
    // An event that has been answered is not under way.
    fixture.owner.start(fixture.target, sleep_request(0));
    REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
    const auto children = children_of(fixture.daemon.pid());
    CHECK(time_of([&] { CHECK(fixture.daemon.end(signal) == 0); }) < seconds(1));
    for (const pid_t child : children) CHECK(gone_within_a_second(child));
    CHECK_FALSE(fixture.owner.receive());
    CHECK_FALSE(std::filesystem::exists(fixture.daemon.socket()));
  }
}

TEST_CASE("an event under way is let finish, and its reply is delivered", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", event_parameters(fixture.target, sleep_request(1)));
  EventClient async(fixture.daemon);
  async.begin("SendRequest", async_parameters(fixture.target, sleep_request(1)), true);
  Json first = async.reply();
  CHECK(first["continues"] == true);
  EventClient waiting(fixture.daemon);
  waiting.begin("ReceiveResponse", {{"event", first["parameters"]["event"]}});
  EventClient idle(fixture.daemon);
  CHECK(idle.events().size() == 2);

  fixture.daemon.send_signal(SIGTERM);
  CHECK(wait_until([&] { return refuses_connections(fixture.daemon); }, milliseconds(500)));
  // On a connection that is open already, only what begins an event is refused.
  CHECK(idle.request(fixture.target, sleep_request(0)) == kDraining);
  CHECK(idle.ask("SendRequest", async_parameters(fixture.target, sleep_request(0))) == kDraining);
  CHECK(idle.events().size() == 2);
  CHECK(idle.statistics()["agentsRunning"] == 2);

  const Json response{{"message", "sleepResponse"}, {"payload", ""}};
  CHECK(fixture.owner.reply()["parameters"]["response"] == response);
  CHECK(async.reply()["parameters"]["response"] == response);
  CHECK(waiting.reply()["parameters"]["response"] == response);
  CHECK(time_of([&] { CHECK(status_of(fixture.daemon) == 0); }) < seconds(1));
  for (RawClient* client : std::initializer_list<RawClient*>{&fixture.owner, &async, &waiting, &idle}) {
    CHECK_FALSE(client->receive());
  }
}

TEST_CASE("a long reply is delivered whole before the daemon ends", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.container.shell("head -c 6000000 /dev/zero > /tmp/nsenterd-drain-test");
  const std::filesystem::path file = "/tmp/nsenterd-drain-test";
  Json message = read_request(file);
  message["payload"]["len"] = 6000000;
  fixture.owner.begin("SendRequest", event_parameters(fixture.target, message));
  // More than the socket holds: the daemon still has most of it.
  CHECK(fixture.owner.has_reply(seconds(5)));
  std::filesystem::remove(file);
  fixture.daemon.send_signal(SIGTERM);
  CHECK(wait_until([&] { return refuses_connections(fixture.daemon); }));
  CHECK(fixture.owner.reply()["parameters"]["response"]["payload"].get_ref<const std::string&>().size() ==
        8000000);
  CHECK(status_of(fixture.daemon) == 0);
}

TEST_CASE("an event that is terminated is waited for no longer", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target);
  fixture.other.begin("ReceiveResponse", {{"event", event}});
  CHECK_FALSE(fixture.other.has_reply(milliseconds(50)));
  fixture.daemon.send_signal(SIGTERM);
  CHECK(wait_until([&] { return refuses_connections(fixture.daemon); }));
  CHECK(process_exists(fixture.agent()));
  CHECK(succeeded(fixture.owner.terminate(event)));
  CHECK(fixture.other.reply()["error"] == "io.nsenterd.Terminated");
  CHECK(time_of([&] { CHECK(status_of(fixture.daemon) == 0); }) < seconds(1));
}

TEST_CASE("an event whose owner leaves is waited for no longer", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.start_sleep(fixture.target);
  EventClient sync(fixture.daemon);
  sync.begin("SendRequest", event_parameters(fixture.target, sleep_request(60)));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().size() == 2; }));
  fixture.daemon.send_signal(SIGTERM);
  CHECK(wait_until([&] { return refuses_connections(fixture.daemon); }));
  fixture.owner.close();
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 1; }));
  sync.close();
  CHECK(time_of([&] { CHECK(status_of(fixture.daemon) == 0); }) < seconds(1));
}

TEST_CASE("followers are told that no more follows", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.other.begin("ListEvents", Json::object(), true);
  CHECK(fixture.other.reply()["continues"] == true);
  CHECK(fixture.daemon.end(SIGTERM) == 0);
  CHECK(fixture.other.reply() == Json({{"parameters", {{"events", Json::array()}}}}));
  CHECK_FALSE(fixture.other.receive());
}

TEST_CASE("when the time to drain is over the daemon ends, and its events with it", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture({"--drain-time", "300ms"});
  fixture.owner.start_sleep(fixture.target);
  fixture.other.begin("SendRequest", event_parameters(fixture.target, sleep_request(60)));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().size() == 2; }));
  const auto children = children_of(fixture.daemon.pid());
  REQUIRE(children.size() == 3);
  const auto time = time_of([&] { CHECK(fixture.daemon.end(SIGTERM) == 0); });
  CHECK(time >= milliseconds(300));
  CHECK(time < milliseconds(2000));
  for (const pid_t child : children) CHECK(gone_within_a_second(child));
  CHECK_FALSE(std::filesystem::exists(fixture.daemon.socket()));
}

TEST_CASE("a second signal ends the daemon at once", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const int second : {SIGTERM, SIGINT}) {
    EventFixture fixture;
    fixture.owner.start_sleep(fixture.target);
    const auto children = children_of(fixture.daemon.pid());
    fixture.daemon.send_signal(SIGTERM);
    CHECK(wait_until([&] { return refuses_connections(fixture.daemon); }));
    CHECK(process_exists(fixture.agent()));
    CHECK(time_of([&] { CHECK(fixture.daemon.end(second) == 0); }) < seconds(1));
    for (const pid_t child : children) CHECK(gone_within_a_second(child));
  }
}

TEST_CASE("the time to drain has a unit, and a limit", "[e2e][drain]") {
  NSENTERD_NEEDS(missing_root());
  for (const char* wrong : {"10", "-1s", "2h", "61m", "1.5s", "s1", ""}) {
    INFO(wrong);
    CHECK(run({program_under_test("NSENTERD"), "--drain-time", wrong}).status == 2);
  }
}

}  // namespace
}  // namespace nsenterd::test
