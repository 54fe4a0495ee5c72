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

/// The counts of a target; null if it is not told of.
Json counts_of(const Json& statistics, pid_t pid) {
  for (const Json& target : statistics.at("targets")) {
    if (target.at("pid") == pid) {
      return {target.at("requests"), target.at("errorResponses"), target.at("failures")};
    }
  }
  return nullptr;
}

TEST_CASE("requests are counted by their target, however it is given", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer first;
  const UnshareContainer second;
  const Daemon daemon;
  EventClient client(daemon);
  CHECK(client.statistics()["targets"] == Json::array());
  client.request(first.pid(), read_request(kUptime));
  client.request(second.pid(), read_request("/does/not/exist"));
  client.request(first.pid(), sleep_request(60), {{"timeoutMilliseconds", 50}});
  Json parameters = event_parameters(second.pid(), read_request(kUptime),
                                     {{"followingRequests", {read_request("/does/not/exist")}}});
  parameters.erase("pid");
  parameters["pidFileDescriptor"] = 0;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, second.pid(), 0)));
  CHECK(succeeded(client.call("io.nsenterd.SendRequest", parameters, {pidfd.get()})));
  // Wrong, or nobody: neither is a target's.
  client.request(first.pid(), {{"message", "noSuchRequest"}, {"payload", nullptr}});
  client.request(0x3FFFFFFF, read_request(kUptime));

  const Json statistics = client.statistics();
  INFO(statistics["targets"].dump());
  CHECK(statistics["targets"].size() == 2);
  CHECK(counts_of(statistics, first.pid()) == Json({2, 0, 1}));
  CHECK(counts_of(statistics, second.pid()) == Json({3, 2, 0}));
  // The one used last, and the time of what took long.
  CHECK(statistics["targets"][0]["pid"] == second.pid());
  const auto total = statistics["targets"][1]["totalMicroseconds"].get<std::int64_t>();
  CHECK(total >= 50'000);
  CHECK(total < 5'000'000);
}

TEST_CASE("an agent that is a target is counted, until it ends", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  Json started = client.start(container.pid(), sleep_request(60));
  const auto agent = started["processId"].get<pid_t>();
  const Json inside = event_parameters(0, sleep_request(0), {{"targetEvent", started["event"]}});
  CHECK(succeeded(client.ask("SendRequest", inside)));
  CHECK(counts_of(client.statistics(), agent) == Json({1, 0, 0}));
  CHECK(succeeded(client.terminate(name_of(started))));
  CHECK(wait_until([&] { return counts_of(client.statistics(), agent).is_null(); }));
  CHECK(counts_of(client.statistics(), container.pid()) == Json({1, 0, 1}));
}

TEST_CASE("who does not see a target is not told its number", "[e2e][statistics]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  client.request(container.pid(), read_request(kUptime));
  const auto told = run({"unshare", "--pid", "--fork", program_under_test("NSENTERCTL"), "--socket",
                         daemon.socket(), "status", "--json"});
  INFO(told.errors);
  CHECK(counts_of(Json::parse(told.output), 0) == Json({1, 0, 0}));
}

}  // namespace
}  // namespace nsenterd::test
