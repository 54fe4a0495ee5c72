// What becomes of events that have ended: their responses, their names, and what is counted.
#include <cerrno>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kNoSuchEvent[] = "io.nsenterd.NoSuchEvent";

TEST_CASE("the file that openat2 opened comes with the response, once", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  // The container's files are the host's.
  const std::string path = fixture.daemon.socket().parent_path() / "log";
  const std::string event = name_of(fixture.owner.start(fixture.target, openat2_request({}, {.path = path})));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  Json reply = fixture.other.about("ReceiveResponse", event);
  CHECK(reply["parameters"]["response"] ==
        Json({{"message", "openat2SyscallResponse"}, {"payload", {{"fd", 0}}}}));
  REQUIRE(fixture.other.descriptors().size() == 1);
  struct stat opened {};
  struct stat wanted {};
  REQUIRE(::fstat(fixture.other.descriptors().front().get(), &opened) == 0);
  REQUIRE(::stat(path.c_str(), &wanted) == 0);
  CHECK(opened.st_ino == wanted.st_ino);
  CHECK(fixture.owner.about("ReceiveResponse", event)["error"] == kNoSuchEvent);
  CHECK(fixture.owner.descriptors().empty());
  fixture.check_nothing_left();

  fixture.owner.begin("SendRequest", async_parameters(fixture.target, openat2_request({}, {.path = path})),
                      true);
  CHECK(fixture.owner.reply()["continues"] == true);
  CHECK(fixture.owner.reply()["parameters"]["response"]["payload"]["fd"] == 0);
  CHECK(fixture.owner.descriptors().size() == 1);
  fixture.check_nothing_left();
}

TEST_CASE("an opened file that nobody asks for is closed with its event", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (int i = 0; i < 20; ++i)
    fixture.owner.start(fixture.target, openat2_request({}, {.path = "/proc/uptime"}));
  const std::string event =
      name_of(fixture.other.start(fixture.target, openat2_request({}, {.path = "/proc/uptime"})));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  CHECK(descriptors_of(fixture.daemon.pid()).size() >= fixture.descriptors + 21);
  CHECK(succeeded(fixture.other.terminate(event)));
  fixture.owner.close();
  // One connection less, too.
  CHECK(wait_until([&] { return descriptors_of(fixture.daemon.pid()).size() < fixture.descriptors; }));
  CHECK(fixture.other.events().empty());
}

TEST_CASE("the file that openat2 opened arrives however fast the agent is", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (int i = 0; i < 100; ++i) {
    const std::string event =
        name_of(fixture.owner.start(fixture.target, openat2_request({}, {.path = "/proc/uptime"})));
    Json reply = fixture.other.about("ReceiveResponse", event);
    INFO(i << reply.dump());
    REQUIRE(succeeded(reply));
    CHECK(fixture.other.descriptors().size() == 1);
    fixture.other.descriptors().clear();
  }
  fixture.check_nothing_left();
}

TEST_CASE("an opened file is one client's, and the others are not told a number of it", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event =
      name_of(fixture.owner.start(fixture.target, openat2_request({}, {.path = "/proc/uptime"})));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  {
    // Both ask before either is answered.
    const Stopped daemon(fixture.daemon.pid());
    for (EventClient* client : {&fixture.owner, &fixture.other}) {
      client->begin("ReceiveResponse", {{"event", event}});
      client->begin("ReceiveResponse", {{"event", event}});
    }
  }
  int received = 0;
  for (EventClient* client : {&fixture.owner, &fixture.other}) {
    for (int i = 0; i < 2; ++i) {
      Json reply = client->reply();
      INFO(reply.dump());
      if (succeeded(reply)) {
        ++received;
        CHECK(client->descriptors().size() == 1);
        CHECK(reply["parameters"]["response"]["payload"]["fd"] == 0);
      } else {
        CHECK(reply["error"] == kNoSuchEvent);
      }
    }
  }
  CHECK(received == 1);
  fixture.check_nothing_left();
}

TEST_CASE("an event that nobody waits for is told of when it ends", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.other.begin("ListEvents", Json::object(), true);
  CHECK(fixture.other.reply()["continues"] == true);
  for (const bool in_time : {true, false}) {
    const Json more{{"timeoutMilliseconds", in_time ? 10000 : 100}};
    const std::string event =
        name_of(fixture.owner.start(fixture.target, sleep_request(in_time ? 0 : 60), more));
    for (const char* state : {"starting", "running", "finished"}) {
      REQUIRE(fixture.other.has_reply(seconds(2)));
      Json change = fixture.other.reply();
      CHECK(change["parameters"]["events"][0]["event"] == event);
      CHECK(change["parameters"]["events"][0]["state"] == state);
    }
    // It is not among those that run, at any rate.
    for (const Json& listed : fixture.owner.events()) CHECK(listed["state"] == "finished");
  }
}

TEST_CASE("an event whose failure has been told is no more", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const auto check_failed = [&](const Json& started, const std::string& error) {
    CHECK(fixture.other.about("ReceiveResponse", name_of(started))["error"] == error);
    CHECK(fixture.other.events().empty());
    CHECK(fixture.other.about("ReceiveResponse", name_of(started))["error"] == kNoSuchEvent);
    fixture.check_nothing_left();
  };
  check_failed(fixture.owner.start(fixture.target, sleep_request(60), {{"timeoutMilliseconds", 100}}),
               "io.nsenterd.TimedOut");
  Json started = fixture.owner.start(fixture.target, sleep_request(60));
  ::kill(started["processId"].get<pid_t>(), SIGKILL);
  check_failed(started, "io.nsenterd.AgentDied");
}

TEST_CASE("the outcomes of asynchronous events are counted", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.other.about("ReceiveResponse",
                      name_of(fixture.owner.start(fixture.target, read_request("/does/not/exist"))));
  fixture.other.about("ReceiveResponse", name_of(fixture.owner.start(fixture.target, sleep_request(60),
                                                                     {{"timeoutMilliseconds", 100}})));
  Json statistics = fixture.other.statistics();
  INFO(statistics.dump());
  CHECK(statistics_of(statistics, "readFileRequest")["errorResponses"] == 1);
  CHECK(statistics_of(statistics, "sleepRequest")["failures"] == 1);
}

TEST_CASE("what is no message is not counted by its name", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const auto count = fixture.other.statistics()["messages"].size();
  for (int i = 0; i < 20; ++i) {
    const Json message{{"message", "nothing" + std::to_string(i)}};
    CHECK(fixture.owner.request(fixture.target, message)["parameters"]["parameter"] == "request.message");
  }
  // Its memory would grow with every one that a client thinks up.
  CHECK(fixture.other.statistics()["messages"].size() <= count + 1);
}

TEST_CASE("the agent's process id is told, however the target is given", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = fixture.owner.start_sleep(fixture.target);
  // As the first call of its connection.
  EventClient by_event(fixture.daemon);
  Json started = by_event.start(0, sleep_request(60), {{"targetEvent", event}});
  CHECK(process_exists(started["processId"].get<pid_t>()));
  CHECK(started["processId"] != 0);
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, fixture.target, 0)));
  EventClient by_pidfd(fixture.daemon);
  const Json parameters{{"pidFileDescriptor", 0},
                        {"namespace", kContainerNamespaces},
                        {"request", sleep_request(60)},
                        {"async", true}};
  Json reply = by_pidfd.call("io.nsenterd.SendRequest", parameters, {pidfd.get()});
  CHECK(reply["parameters"]["processId"] != 0);
}

TEST_CASE("calls sent ahead do not count the one before them", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  for (int i = 0; i < 255; ++i) fixture.owner.start_sleep(fixture.target);
  const Json call{{"method", "io.nsenterd.SendRequest"},
                  {"parameters", event_parameters(fixture.target, sleep_request(0))}};
  std::string calls;
  for (int i = 0; i < 10; ++i) calls += call.dump() + '\0';
  fixture.other.send(calls);
  for (int i = 0; i < 10; ++i) {
    Json reply = fixture.other.reply();
    INFO(i << reply.dump());
    CHECK(succeeded(reply));
  }
}

TEST_CASE("a daemon that ends does not wait for events that have ended", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.start(fixture.target, sleep_request(1));
  fixture.daemon.send_signal(SIGTERM);
  const auto begin = Clock::now();
  CHECK(fixture.daemon.end(0) == 0);
  CHECK(Clock::now() - begin < milliseconds(2500));
}

TEST_CASE("a daemon that ends does not wait for who would follow its events", "[e2e][end]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", event_parameters(fixture.target, sleep_request(1)));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().size() == 1; }));
  fixture.daemon.send_signal(SIGTERM);
  CHECK(wait_until([&] {
    return fixture.other.request(fixture.target, sleep_request(0))["parameters"]["limit"] == "draining";
  }));
  fixture.other.begin("ListEvents", Json::object(), true);
  CHECK(succeeded(fixture.owner.reply()));
  const auto begin = Clock::now();
  CHECK(fixture.daemon.end(0) == 0);
  CHECK(Clock::now() - begin < milliseconds(1500));
  Json last;
  do {
    last = fixture.other.reply();
  } while (last.contains("continues"));
  CHECK(succeeded(last));
}

TEST_CASE("the time to drain is a number", "[e2e][end]") {
  NSENTERD_NEEDS(missing_root());
  for (const char* wrong : {"s", "ms"}) {
    INFO(wrong);
    CHECK(run({program_under_test("NSENTERD"), "--drain-time", wrong}).status == 2);
  }
}

}  // namespace
}  // namespace nsenterd::test
