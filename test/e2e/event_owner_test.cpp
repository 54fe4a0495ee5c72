// Whose an event is: it ends with the connection that started it, and with no other.
#include <csignal>
#include <string>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("an event ends with the connection that started it", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (const bool with_more : {false, true}) {
    for (const bool half : {false, true}) {
      INFO(with_more << half);
      EventClient leaving(fixture.daemon);
      leaving.begin("SendRequest", async_parameters(fixture.target, sleep_request(60)), with_more);
      Json started = leaving.reply()["parameters"];
      const pid_t agent = started["processId"].get<pid_t>();
      fixture.other.begin("ReceiveResponse", {{"event", started["event"]}});
      CHECK_FALSE(fixture.other.has_reply(milliseconds(50)));
      if (half) {
        ::shutdown(leaving.descriptor(), SHUT_WR);
      } else {
        leaving.close();
      }
      CHECK(gone_within_a_second(agent));
      CHECK(fixture.other.reply()["error"] == "io.nsenterd.Terminated");
      leaving.close();
      fixture.check_nothing_left();
    }
  }
}

TEST_CASE("all events of a connection end with it, answered or not", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  EventClient leaving(fixture.daemon);
  for (int i = 0; i < 10; ++i) leaving.start_sleep(fixture.target);
  const std::string answered = name_of(leaving.start(fixture.target, sleep_request(0)));
  const std::string others = fixture.owner.start_sleep(fixture.target);
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 11; }));
  leaving.close();
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 1; }, std::chrono::seconds(1)));
  CHECK(fixture.other.about("ReceiveResponse", answered)["error"] == "io.nsenterd.NoSuchEvent");
  Json left = fixture.other.events();
  REQUIRE(left.size() == 1);
  CHECK(left[0]["event"] == others);
  CHECK(succeeded(fixture.owner.terminate(others)));
  fixture.check_nothing_left();
}

TEST_CASE("an event ends when the process that started it is killed", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const pid_t client = ::fork();
  REQUIRE(client >= 0);
  if (client == 0) {
    try {
      EventClient own(fixture.daemon);
      own.start_sleep(fixture.target);
      ::pause();
    } catch (...) {
    }
    ::_exit(1);
  }
  const pid_t agent = fixture.agent();
  CHECK(wait_until([&] { return fixture.other.events().size() == 1; }));
  ::kill(client, SIGKILL);
  ::waitpid(client, nullptr, 0);
  CHECK(gone_within_a_second(agent));
  fixture.check_nothing_left();
}

TEST_CASE("an event that starts ends with its connection, too", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (const bool async : {true, false}) {
    {
      const Stopped fork_server(fixture.daemon.fork_server());
      EventClient leaving(fixture.daemon);
      leaving.begin("SendRequest", event_parameters(fixture.target, sleep_request(60), {{"async", async}}));
      CHECK(wait_until([&] { return fixture.other.events().size() == 1; }));
      leaving.close();
      // The fork server is given a second.
      CHECK(wait_until([&] { return fixture.other.events().empty(); }, milliseconds(1500)));
    }
    fixture.check_nothing_left();
  }
}

TEST_CASE("a connection that ends at any time leaves no event", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (int round = 0; round < 60; ++round) {
    EventClient leaving(fixture.daemon);
    const Json more{{"cloneFlags", round % 3 == 0 ? 0x20020000 : 0}};
    leaving.begin("SendRequest", async_parameters(fixture.target, sleep_request(60), more), round % 2 == 0);
    ::usleep(static_cast<useconds_t>(round * 60));
  }
  fixture.check_nothing_left();
}

TEST_CASE("an event stays when a connection ends that only waited for it, or used it", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Json started = fixture.owner.start(fixture.target, sleep_request(60));
  const std::string event = name_of(started);
  {
    EventClient waiting(fixture.daemon);
    waiting.begin("ReceiveResponse", {{"event", event}});
    EventClient using_it(fixture.daemon);
    using_it.start_sleep(0, {{"targetEvent", event}});
    EventClient following(fixture.daemon);
    following.begin("ListEvents", Json::object(), true);
    CHECK(following.reply()["continues"] == true);
    CHECK_FALSE(waiting.has_reply(milliseconds(50)));
    CHECK(fixture.daemon.agents().size() == 2);
  }
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 1; }));
  Json left = fixture.other.events();
  REQUIRE(left.size() == 1);
  CHECK(left[0]["event"] == event);
  CHECK(left[0]["state"] == "running");
  CHECK(process_exists(started["processId"].get<pid_t>()));
  CHECK(succeeded(fixture.owner.terminate(event)));
  fixture.check_nothing_left();
}

TEST_CASE("an event outlives a copy of the connection's descriptor, not the last one", "[e2e][owner]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  EventClient leaving(fixture.daemon);
  leaving.start_sleep(fixture.target);
  UniqueFd copy(::dup(leaving.descriptor()));
  leaving.close();
  const pid_t agent = fixture.agent();
  ::usleep(200000);
  CHECK(process_exists(agent));
  copy.reset();
  CHECK(gone_within_a_second(agent));
  fixture.check_nothing_left();
}

}  // namespace
}  // namespace nsenterd::test
