// How asynchronous events fail, at every stage, and what is left of them: nothing.
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("an operation that fails is a response of an asynchronous event, too", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const Json missing = read_request("/does/not/exist");
  const std::string event = name_of(fixture.owner.start(fixture.target, missing));
  Json reply = fixture.other.about("ReceiveResponse", event);
  CHECK(reply["parameters"]["response"]["message"] == "errorResponse");
  CHECK(reply["parameters"]["response"]["payload"]["code"] == ENOENT);
  fixture.owner.begin("SendRequest", async_parameters(fixture.target, missing), true);
  CHECK(fixture.owner.reply()["continues"] == true);
  CHECK(fixture.owner.reply()["parameters"]["response"]["payload"]["code"] == ENOENT);
  fixture.check_nothing_left();
}

TEST_CASE("an asynchronous event that cannot start is refused by its only reply, and leaves nothing",
          "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  // A user namespace may hold no more of its kind than its limit says.
  fixture.container.shell("echo 0 > /proc/sys/user/max_uts_namespaces");
  const auto error_of = [&](pid_t target, const Json& message, const Json& more) {
    for (const bool with_more : {false, true}) {
      fixture.owner.begin("SendRequest", async_parameters(target, message, more), with_more);
      Json reply = fixture.owner.reply();
      CHECK_FALSE(reply.contains("continues"));
      if (with_more) return reply;
    }
    return Json();
  };
  const Json sleep = sleep_request(60);
  CHECK(error_of(4194304, sleep, Json::object())["error"] == "io.nsenterd.NoSuchTarget");
  CHECK(error_of(fixture.target, {{"message", "nothingRequest"}}, Json::object())["parameters"] ==
        Json({{"parameter", "request.message"}}));
  CHECK(error_of(fixture.target, sleep, {{"namespace", {"pid"}}})["parameters"] ==
        Json({{"parameter", "namespace"}}));
  CHECK(error_of(fixture.target, sleep, {{"cloneFlags", 0x04000000}}) ==
        Json({{"error", "io.nsenterd.JoinFailed"},
              {"parameters", {{"step", "unshare uts"}, {"errno", ENOSPC}, {"errnoName", "ENOSPC"}}}}));
  CHECK(error_of(::getpid(), sleep, Json::object())["error"] == "org.varlink.service.PermissionDenied");
  fixture.check_nothing_left();
}

TEST_CASE("the deadline of an asynchronous event holds while it starts", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  {
    const Stopped fork_server(fixture.daemon.fork_server());
    fixture.owner.begin("SendRequest",
                        async_parameters(fixture.target, sleep_request(60), {{"timeoutMilliseconds", 100}}),
                        true);
    CHECK(fixture.owner.reply()["error"] == "io.nsenterd.TimedOut");
  }
  fixture.check_nothing_left();
}

TEST_CASE("the deadline of an asynchronous event holds while it runs", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const Json deadline{{"timeoutMilliseconds", 200}};
  Json started = fixture.owner.start(fixture.target, sleep_request(60), deadline);
  CHECK(fixture.other.about("ReceiveResponse", name_of(started))["error"] == "io.nsenterd.TimedOut");
  CHECK(gone_within_a_second(started["processId"].get<pid_t>()));
  fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60), deadline), true);
  CHECK(fixture.owner.reply()["continues"] == true);
  Json last = fixture.owner.reply();
  CHECK(last["error"] == "io.nsenterd.TimedOut");
  CHECK_FALSE(last.contains("continues"));
  CHECK(wait_until([&] { return fixture.daemon.agents().empty(); }));
}

TEST_CASE("an agent that is killed before it has the request is no event", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (const bool with_more : {false, true}) {
    auto fork_server = std::make_unique<Stopped>(fixture.daemon.fork_server());
    fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60)), with_more);
    CHECK(wait_until([&] { return fixture.other.events().size() == 1; }));
    {
      // An agent whose daemon has not heard of it yet has nothing to do.
      const Stopped daemon(fixture.daemon.pid());
      fork_server.reset();
      const pid_t agent = fixture.agent();
      REQUIRE(agent != 0);
      ::kill(agent, SIGKILL);
    }
    CHECK(fixture.owner.reply() ==
          Json({{"error", "io.nsenterd.AgentDied"}, {"parameters", {{"signal", SIGKILL}}}}));
    fixture.check_nothing_left();
  }
}

TEST_CASE("an agent that is killed while it runs is told of to all who wait", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(60)), true);
  Json first = fixture.owner.reply()["parameters"];
  fixture.other.begin("ReceiveResponse", {{"event", first["event"]}});
  // Until it waits.
  CHECK_FALSE(fixture.other.has_reply(milliseconds(100)));
  ::kill(first["processId"].get<pid_t>(), SIGKILL);
  const Json died{{"error", "io.nsenterd.AgentDied"}, {"parameters", {{"signal", SIGKILL}}}};
  CHECK(fixture.owner.reply() == died);
  CHECK(fixture.other.reply() == died);
  fixture.check_nothing_left();
}

TEST_CASE("a container that ends takes its asynchronous events along", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  auto container = std::make_unique<UnshareContainer>();
  Json started = fixture.owner.start(container->pid(), sleep_request(60));
  fixture.other.begin("ReceiveResponse", {{"event", started["event"]}});
  container.reset();
  CHECK(fixture.other.reply()["error"] == "io.nsenterd.AgentDied");
  CHECK(gone_within_a_second(started["processId"].get<pid_t>()));
}

TEST_CASE("wrong parameters of ReceiveResponse are named", "[e2e][async]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  EventClient client(daemon);
  const auto refused = [&](const Json& parameters) {
    Json reply = client.ask("ReceiveResponse", parameters);
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    return reply["parameters"]["parameter"];
  };
  CHECK(refused(Json::object()) == "event");
  CHECK(refused({{"event", 1}}) == "event");
  CHECK(refused({{"event", nullptr}}) == "event");
  CHECK(refused({{"event", "1"}, {"surplus", 1}}) == "surplus");
  for (const char* unknown : {"1", "0", "", "x", "18446744073709551617"}) {
    CHECK(client.about("ReceiveResponse", unknown) ==
          Json({{"error", "io.nsenterd.NoSuchEvent"}, {"parameters", {{"event", unknown}}}}));
  }
  CHECK(client.ask("SendRequest", {{"async", 1}})["parameters"]["parameter"] == "async");
}

}  // namespace
}  // namespace nsenterd::test
