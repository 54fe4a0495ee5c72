// TerminateRequest, at every step of an event's life.
#include <csignal>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

const Json kDone{{"parameters", Json::object()}};

TEST_CASE("when an event has been terminated its agent is gone, and all who wait are told",
          "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60)), true);
  Json first = fixture.owner.reply()["parameters"];
  EventClient waiting(fixture.daemon);
  waiting.begin("ReceiveResponse", {{"event", first["event"]}});
  CHECK_FALSE(waiting.has_reply(milliseconds(100)));
  CHECK(fixture.other.terminate(name_of(first)) == kDone);
  CHECK_FALSE(process_exists(first["processId"].get<pid_t>()));
  CHECK(fixture.owner.reply()["error"] == "io.nsenterd.Terminated");
  CHECK(waiting.reply()["error"] == "io.nsenterd.Terminated");
  waiting.close();
  fixture.check_nothing_left();
  // It had that name, and has ended.
  CHECK(fixture.other.terminate(name_of(first)) == kDone);
  CHECK(fixture.owner.terminate(name_of(first)) == kDone);
  CHECK(fixture.owner.about("ReceiveResponse", name_of(first))["error"] == "io.nsenterd.NoSuchEvent");
}

TEST_CASE("an agent that is stopped can be terminated", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Json started = fixture.owner.start(fixture.target, sleep_request(60));
  ::kill(started["processId"].get<pid_t>(), SIGSTOP);
  CHECK(fixture.owner.terminate(name_of(started)) == kDone);
  CHECK_FALSE(process_exists(started["processId"].get<pid_t>()));
  fixture.check_nothing_left();
}

TEST_CASE("several clients may terminate an event at the same time", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target);
  std::vector<EventClient> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(fixture.daemon);
  {
    const Stopped daemon(fixture.daemon.pid());
    for (EventClient& client : clients) client.begin("TerminateRequest", {{"event", event}});
  }
  for (EventClient& client : clients) CHECK(client.reply() == kDone);
  clients.clear();
  fixture.check_nothing_left();
}

TEST_CASE("terminating an event that has ended is no error", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Json sync = fixture.owner.request(fixture.target, sleep_request(0));
  CHECK(fixture.other.terminate(name_of(sync["parameters"])) == kDone);
  // Its response is dropped with it.
  const std::string kept = name_of(fixture.owner.start(fixture.target, sleep_request(0)));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  CHECK(fixture.other.terminate(kept) == kDone);
  CHECK(fixture.owner.about("ReceiveResponse", kept)["error"] == "io.nsenterd.NoSuchEvent");
  const Json timeout{{"timeoutMilliseconds", 100}};
  const std::string late = name_of(fixture.owner.start(fixture.target, sleep_request(60), timeout));
  CHECK(fixture.other.about("ReceiveResponse", late)["error"] == "io.nsenterd.TimedOut");
  CHECK(fixture.other.terminate(late) == kDone);
  fixture.check_nothing_left();
}

TEST_CASE("terminating what has never been an event is an error", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target);
  for (const std::string& name :
       {std::string("1000000"), std::string(), std::string("0"), "0" + event, "+" + event, "-" + event,
        event + " ", " " + event, event + std::string(1, '\0'), event + ".0", std::string("x"),
        std::string("18446744073709551615"), std::string("18446744073709551617")}) {
    CHECK(fixture.owner.terminate(name) ==
          Json({{"error", "io.nsenterd.NoSuchEvent"}, {"parameters", {{"event", name}}}}));
  }
  CHECK(fixture.daemon.agents().size() == 1);
  CHECK(fixture.owner.terminate(event) == kDone);
}

TEST_CASE("wrong parameters of TerminateRequest are named", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  EventClient client(daemon);
  const auto refused = [&](const Json& parameters) {
    Json reply = client.ask("TerminateRequest", parameters);
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    return reply["parameters"]["parameter"];
  };
  CHECK(refused(Json::object()) == "event");
  CHECK(refused({{"event", 1}}) == "event");
  CHECK(refused({{"event", nullptr}}) == "event");
  CHECK(refused({{"event", {"1"}}}) == "event");
  CHECK(refused({{"event", "1"}, {"surplus", true}}) == "surplus");
}

TEST_CASE("a synchronous event of another connection can be terminated", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", event_parameters(fixture.target, sleep_request(60)));
  const pid_t agent = fixture.agent();
  Json events = fixture.other.events();
  REQUIRE(events.size() == 1);
  CHECK(fixture.other.terminate(name_of(events[0])) == kDone);
  CHECK_FALSE(process_exists(agent));
  CHECK(fixture.owner.reply() == Json({{"error", "io.nsenterd.Terminated"}, {"parameters", Json::object()}}));
  fixture.check_nothing_left();
}

TEST_CASE("an event can be terminated before it has an agent", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (const bool async : {true, false}) {
    {
      const Stopped fork_server(fixture.daemon.fork_server());
      fixture.owner.begin("SendRequest",
                          event_parameters(fixture.target, sleep_request(60), {{"async", async}}));
      Json events = Json::array();
      wait_until([&] { return (events = fixture.other.events()).size() == 1; });
      REQUIRE(events.size() == 1);
      CHECK(events[0]["state"] == "starting");
      CHECK(events[0]["processId"] == 0);
      // An agent that is not there (yet) cannot be waited for for long.
      fixture.other.begin("TerminateRequest", {{"event", events[0]["event"]}});
      CHECK(fixture.owner.reply()["error"] == "io.nsenterd.Terminated");
      CHECK(fixture.other.reply() == kDone);
    }
    fixture.check_nothing_left();
  }
  CHECK(succeeded(fixture.owner.request(fixture.target, sleep_request(0))));
}

TEST_CASE("an event can be terminated at any time", "[e2e][terminate]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  std::minstd_rand random(1);
  const int last = std::stoi(name_of(fixture.owner.start(fixture.target, sleep_request(0))));
  CHECK(fixture.owner.terminate(std::to_string(last)) == kDone);
  int terminated = 0;
  for (int round = 1; round <= 150; ++round) {
    // With new pid and mount namespaces too, where the agent takes two forks.
    const Json more{{"cloneFlags", round % 3 == 0 ? 0x20020000 : 0}};
    fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60), more), true);
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 4000)(random));
    const std::string event = std::to_string(last + round);
    Json reply = fixture.other.terminate(event);
    // The call may not have been read yet.
    if (reply.contains("error")) {
      CHECK(reply["error"] == "io.nsenterd.NoSuchEvent");
      wait_until([&] { return (reply = fixture.other.terminate(event)) == kDone; });
    }
    CHECK(reply == kDone);
    reply = fixture.owner.reply();
    if (reply.contains("continues")) reply = fixture.owner.reply();
    if (reply["error"] == "io.nsenterd.Terminated") ++terminated;
  }
  CHECK(terminated == 150);
  fixture.check_nothing_left();
}

}  // namespace
}  // namespace nsenterd::test
