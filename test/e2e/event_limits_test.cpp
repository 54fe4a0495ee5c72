// How many events there may be, and what becomes of very many.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

const Json kOverloaded{{"error", "io.nsenterd.Overloaded"}, {"parameters", {{"limit", "eventsOfUser"}}}};

TEST_CASE("a user has 256 events at most, and the next at once when one has ended", "[e2e][limits]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  std::vector<std::string> events;
  // They count together, whichever connection started them.
  for (int i = 0; i < 128; ++i) {
    events.push_back(fixture.owner.start_sleep(fixture.target));
    events.push_back(fixture.other.start_sleep(fixture.target));
  }
  CHECK(fixture.daemon.agents().size() == 256);
  for (const bool async : {true, false}) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(fixture.other.request(fixture.target, sleep_request(0), {{"async", async}}) == kOverloaded);
    CHECK(std::chrono::steady_clock::now() - begin < milliseconds(500));
  }
  CHECK(fixture.other.events().size() == 256);
  CHECK(succeeded(fixture.other.terminate(events.back())));
  CHECK(succeeded(fixture.other.request(fixture.target, sleep_request(0))));
  const std::string again = fixture.other.start_sleep(fixture.target);
  CHECK(fixture.other.request(fixture.target, sleep_request(0)) == kOverloaded);
  // What needs no event is served as ever.
  CHECK(fixture.other.statistics()["agentsRunning"] == 256);
  fixture.owner.close();
  CHECK(wait_until([&] { return fixture.daemon.agents().size() == 128; }));
  CHECK(succeeded(fixture.other.request(fixture.target, sleep_request(0))));
}

TEST_CASE("a response that waits to be received counts as an event", "[e2e][limits]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  std::vector<std::string> events;
  for (int i = 0; i < 256; ++i) {
    events.push_back(name_of(fixture.owner.start(fixture.target, sleep_request(0))));
  }
  CHECK(wait_until([&] { return fixture.daemon.agents().empty(); }));
  CHECK(fixture.other.request(fixture.target, sleep_request(0)) == kOverloaded);
  CHECK(succeeded(fixture.other.about("ReceiveResponse", events[100])));
  CHECK(succeeded(fixture.other.request(fixture.target, sleep_request(0))));
}

/// A client that has started an event with `more`, or waits for one.
struct Waiting {
  EventClient client;
  std::string event;
};

TEST_CASE("a thousand events, ended in every way at random, leave nothing", "[e2e][limits]") {
  NSENTERD_NEEDS(missing_for_containers());
  EventFixture fixture;
  const auto fork_server_descriptors = descriptors_of(fixture.daemon.fork_server());
  std::minstd_rand random(7);
  const auto choose = [&](int below) { return std::uniform_int_distribution(0, below - 1)(random); };
  std::vector<Waiting> waiting;
  std::map<std::string, int> outcomes;
  const auto settle = [&](Waiting& entry) {
    Json last = entry.client.reply();
    CHECK_FALSE(last.contains("continues"));
    ++outcomes[last.contains("error") ? last["error"].get<std::string>() : "response"];
    // Answered once: nothing but the answer to the next call comes after it.
    CHECK(entry.client.statistics().contains("clients"));
  };
  long memory = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 200) memory = resident_memory(fixture.daemon.pid());
    const Json message = choose(2) == 0 ? sleep_request(60) : read_request("/proc/uptime");
    const Json more{{"timeoutMilliseconds", choose(4) == 0 ? 20 : 30000}};
    Waiting entry{EventClient(fixture.daemon), {}};
    entry.client.begin("SendRequest", async_parameters(fixture.target, message, more), true);
    Json first = entry.client.reply();
    if (!first.contains("continues")) {
      // On a busy machine 20 ms may be over before it runs.
      CHECK(first["error"] == "io.nsenterd.TimedOut");
      continue;
    }
    entry.event = name_of(first["parameters"]);
    switch (choose(4)) {
      case 0: break;  // Abandoned.
      case 1:
        CHECK(succeeded(fixture.other.terminate(entry.event)));
        settle(entry);
        break;
      case 2: {
        // Received by another client as well, and terminated if need be.
        EventClient receiver(fixture.daemon);
        receiver.begin("ReceiveResponse", {{"event", entry.event}});
        if (message["message"] == "sleepRequest") {
          CHECK(succeeded(fixture.other.terminate(entry.event)));
        }
        settle(entry);
        CHECK(receiver.reply().size() <= 2);
        break;
      }
      default: waiting.push_back(std::move(entry));
    }
    if (waiting.size() < 60) continue;
    // Some are terminated, the others abandoned.
    std::shuffle(waiting.begin(), waiting.end(), random);
    for (std::size_t k = 0; k < 30; ++k) {
      CHECK(succeeded(fixture.other.terminate(waiting[k].event)));
      settle(waiting[k]);
    }
    waiting.clear();
  }
  for (Waiting& entry : waiting) {
    CHECK(succeeded(fixture.other.terminate(entry.event)));
    settle(entry);
  }
  waiting.clear();
  for (const char* outcome : {"response", "io.nsenterd.Terminated", "io.nsenterd.TimedOut"}) {
    INFO(outcome);
    CHECK(outcomes[outcome] > 0);
  }
  CHECK(outcomes.size() == 3);
  fixture.check_nothing_left();
  CHECK(wait_until([&] { return fixture.other.statistics()["clients"] == 2; }));
  CHECK(descriptors_of(fixture.daemon.fork_server()) == fork_server_descriptors);
  if (!kKeepsFreedMemory) CHECK(resident_memory(fixture.daemon.pid()) <= memory + 1024);
}

}  // namespace
}  // namespace nsenterd::test
