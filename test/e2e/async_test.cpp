// SendRequest with async, and ReceiveResponse: how an asynchronous event starts and answers.
#include <string>
#include <vector>

#include <sys/syscall.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"
#include "wire/base64.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

constexpr char kNoSuchEvent[] = "io.nsenterd.NoSuchEvent";

/// The number of the system call that a process waits in; -1 if it waits in none.
long system_call_of(pid_t pid) {
  try {
    const std::string text = read_file(proc_path(pid, "syscall"));
    return text.starts_with("running") ? -1 : std::stol(text);
  } catch (const std::system_error&) {
    return -1;
  }
}

TEST_CASE("an asynchronous event is told of when its agent is inside and has the request", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  Json reply = fixture.owner.ask(
      "SendRequest", async_parameters(fixture.target, sleep_request(60), {{"timeoutMilliseconds", 60000}}));
  INFO(reply.dump());
  CHECK_FALSE(reply.contains("continues"));
  Json first = reply.at("parameters");
  CHECK_FALSE(first.contains("response"));
  CHECK_FALSE(name_of(first).empty());
  const pid_t agent = first.at("processId").get<pid_t>();
  CHECK(fixture.daemon.agents() == std::vector<pid_t>{agent});
  for (const std::string_view name : kNamespaceNames) {
    const bool joined = name != "time";
    INFO(std::string(name));
    CHECK((namespace_inode(agent, name) == namespace_inode(fixture.target, name)) == joined);
  }
  CHECK(namespace_inode(agent, "mnt") != namespace_inode(fixture.daemon.pid(), "mnt"));
  CHECK(wait_until([&] { return system_call_of(agent) == SYS_clock_nanosleep; }));
}

TEST_CASE("with more, the response is a second and last reply", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", async_parameters(fixture.target, sleep_request(1)), true);
  Json first = fixture.owner.reply();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(first["continues"] == true);
  CHECK_FALSE(first["parameters"].contains("response"));
  CHECK(process_exists(first["parameters"]["processId"].get<pid_t>()));
  Json last = fixture.owner.reply();
  CHECK(std::chrono::steady_clock::now() - begin > milliseconds(500));
  CHECK_FALSE(last.contains("continues"));
  CHECK(last["parameters"]["event"] == first["parameters"]["event"]);
  CHECK(last["parameters"]["processId"] == first["parameters"]["processId"]);
  CHECK(last["parameters"]["response"] == Json({{"message", "sleepResponse"}, {"payload", ""}}));
  // What is asked next on that connection is answered by one reply again.
  CHECK(fixture.owner.about("ReceiveResponse", name_of(first["parameters"]))["error"] == kNoSuchEvent);
  fixture.check_nothing_left();
}

TEST_CASE("with more but not asynchronous, there is one reply", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.owner.begin("SendRequest", event_parameters(fixture.target, sleep_request(0)), true);
  Json only = fixture.owner.reply();
  CHECK_FALSE(only.contains("continues"));
  CHECK(only["parameters"]["response"]["message"] == "sleepResponse");
  CHECK(fixture.owner.events().empty());
}

TEST_CASE("everybody of the same user who waits for a response gets it", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = name_of(fixture.owner.start(fixture.target, sleep_request(1)));
  std::vector<EventClient> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.emplace_back(fixture.daemon).begin("ReceiveResponse", {{"event", event}});
  }
  CHECK_FALSE(waiting.front().has_reply(milliseconds(200)));
  for (EventClient& client : waiting) {
    CHECK(client.reply() ==
          Json({{"parameters", {{"response", {{"message", "sleepResponse"}, {"payload", ""}}}}}}));
  }
  CHECK(fixture.other.about("ReceiveResponse", event) ==
        Json({{"error", kNoSuchEvent}, {"parameters", {{"event", event}}}}));
  waiting.clear();
  fixture.check_nothing_left();
}

TEST_CASE("a response that came before anybody asked is kept for who does", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  fixture.container.shell("echo kept > /proc/sys/kernel/hostname");
  const std::string event =
      name_of(fixture.owner.start(fixture.target, read_request("/proc/sys/kernel/hostname")));
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  Json reply = fixture.other.about("ReceiveResponse", event);
  CHECK(reply["parameters"]["response"] ==
        Json({{"message", "readFileResponse"}, {"payload", wire::encode_base64("kept\n")}}));
  CHECK(fixture.owner.about("ReceiveResponse", event)["error"] == kNoSuchEvent);
  fixture.check_nothing_left();
}

TEST_CASE("whoever stopped waiting has not received a response", "[e2e][async]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const std::string event = name_of(fixture.owner.start(fixture.target, sleep_request(1)));
  {
    EventClient impatient(fixture.daemon);
    impatient.begin("ReceiveResponse", {{"event", event}});
    CHECK_FALSE(impatient.has_reply(milliseconds(100)));
  }
  REQUIRE(wait_until([&] { return fixture.daemon.agents().empty(); }));
  CHECK(fixture.other.about("ReceiveResponse", event)["parameters"]["response"]["message"] ==
        "sleepResponse");
  fixture.check_nothing_left();
}

}  // namespace
}  // namespace nsenterd::test
