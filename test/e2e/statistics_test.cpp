// GetStatistics: what the daemon has counted.
#include <string>

#include <sys/syscall.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

constexpr char kUptime[] = "/proc/uptime";

TEST_CASE("requests are counted exactly, by their message and their outcome", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  CHECK(client.statistics()["messages"] == Json::array());
  const auto ask = [&](int times, const Json& message, const Json& more = Json::object()) {
    for (int i = 0; i < times; ++i) client.request(container.pid(), message, more);
  };
  ask(7, read_request(kUptime));
  ask(3, read_request("/does/not/exist"));
  ask(2, sleep_request(0));
  ask(4, sleep_request(60), {{"timeoutMilliseconds", 50}});
  for (int i = 0; i < 5; ++i) {
    Json started = client.start(container.pid(), read_request(kUptime));
    CHECK(succeeded(client.about("ReceiveResponse", name_of(started))));
  }
  Json statistics = client.statistics();
  INFO(statistics.dump());
  CHECK(statistics["messages"].size() == 2);
  const auto counts = [&](const std::string& message) {
    Json counted = statistics_of(statistics, message);
    return Json{counted.at("requests"), counted.at("errorResponses"), counted.at("failures")};
  };
  CHECK(counts("readFileRequest") == Json({15, 3, 0}));
  CHECK(counts("sleepRequest") == Json({6, 0, 4}));
}

TEST_CASE("the times are those that requests took", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  for (int i = 0; i < 5; ++i) {
    client.request(container.pid(), sleep_request(60), {{"timeoutMilliseconds", 50}});
  }
  for (int i = 0; i < 20; ++i) client.request(container.pid(), read_request(kUptime));
  const auto times = [&](const std::string& message) {
    Json counted = statistics_of(client.statistics(), message);
    return std::pair(counted.at("medianMicroseconds").get<std::int64_t>(),
                     counted.at("p99Microseconds").get<std::int64_t>());
  };
  const auto [median, p99] = times("sleepRequest");
  CHECK(median >= 50'000);
  CHECK(median <= p99);
  CHECK(p99 < 2'000'000);
  const auto [fast_median, fast_p99] = times("readFileRequest");
  CHECK(fast_median > 0);
  CHECK(fast_median <= fast_p99);
  CHECK(fast_median < 1'000'000);
}

TEST_CASE("the time of a request is told step by step", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon({"--warm-agents", "8"});
  EventClient client(daemon);
  for (int i = 0; i < 10; ++i) client.request(container.pid(), read_request(kUptime));
  client.request(container.pid(), read_request(kUptime), {{"freshAgent", true}});
  client.request(container.pid(), sleep_request(1), {{"freshAgent", true}});
  // These are not counted: no agent has answered, or not this call.
  client.request(container.pid(), sleep_request(60), {{"timeoutMilliseconds", 50}});
  Json started = client.start(container.pid(), read_request(kUptime));
  CHECK(succeeded(client.about("ReceiveResponse", name_of(started))));

  Json statistics = client.statistics();
  INFO(statistics["steps"].dump());
  const std::vector<std::pair<std::string, int>> expected{{"accept", 12},    {"parse", 12},  {"check", 12},
                                                          {"spawn", 3},      {"reuse", 9},   {"join", 12},
                                                          {"operation", 12}, {"encode", 12}, {"send", 12}};
  REQUIRE(statistics["steps"].size() == expected.size());
  std::int64_t all = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Json step = statistics["steps"][i];
    CHECK(step["step"] == expected[i].first);
    CHECK(step["count"] == expected[i].second);
    // An agent may have done its work before the daemon comes to look at the clock, so that nothing is left for joining.
    CHECK(step["p99Nanoseconds"] > 0);
    CHECK(step["medianNanoseconds"] <= step["p99Nanoseconds"]);
    if (expected[i].first != "operation") all += step["p99Nanoseconds"].get<std::int64_t>();
  }
  // The sleep is the operation's, and of nothing else.
  CHECK(statistics["steps"][6]["p99Nanoseconds"] >= 1'000'000'000);
  CHECK(all < 1'000'000'000);
}

TEST_CASE("agents and clients are counted while they are there", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  const auto counts = [&] {
    Json now = client.statistics();
    CHECK(now["agentsWarm"] == 0);
    CHECK(now["agentsStuck"] == 0);
    return Json{now["agentsRunning"], now["clients"]};
  };
  CHECK(counts() == Json({0, 1}));
  {
    EventClient owner(daemon);
    const std::string event = owner.start_sleep(container.pid());
    owner.start_sleep(container.pid());
    CHECK(counts() == Json({2, 2}));
    CHECK(succeeded(owner.terminate(event)));
    CHECK(counts() == Json({1, 2}));
  }
  CHECK(wait_until([&] { return counts() == Json({0, 1}); }));
  const auto uptime = client.statistics()["uptimeSeconds"].get<int>();
  ::usleep(1'000'000);
  const auto later = client.statistics()["uptimeSeconds"].get<int>();
  CHECK(uptime >= 0);
  CHECK(later > uptime);
  CHECK(later < uptime + 5);
}

}  // namespace
}  // namespace nsenterd::test
