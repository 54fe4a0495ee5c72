// What may happen to agents that are kept, at any moment: before the daemon has noticed, as they get an event, and after.
#include <chrono>
#include <csignal>
#include <map>
#include <thread>
#include <vector>

#include <unistd.h>

#include "faults/faults.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// Kept at most for one target.
constexpr std::size_t kKept = 4;

Json statistics_of(Scene& scene) {
  return RawClient(scene.daemon().socket()).call("io.nsenterd.GetStatistics")["parameters"];
}

/// Agents in the target's user namespace: nothing else is in there but its process 1.
std::vector<pid_t> agents_of(Scene& scene) {
  std::vector<pid_t> agents = children_of(scene.daemon().pid());
  const auto target = namespace_inode(scene.target().pid(), "user");
  std::erase_if(agents, [&](pid_t agent) {
    try {
      return namespace_inode(agent, "user") != target;
    } catch (const std::system_error&) {
      return true;
    }
  });
  return agents;
}

/// So that as many are kept as may be.
std::vector<pid_t> warm_up(Scene& scene) {
  std::vector<pid_t> agents;
  wait_until([&] {
    Exchange exchange(scene.daemon().socket(), 2 * kKept);
    exchange.send(read_small(scene.target().pid()));
    exchange.endings(kDeadline + 4 * kGrace);
    agents = agents_of(scene);
    return agents.size() == kKept;
  });
  return agents;
}

/// How long the same events take when nothing happens.
std::chrono::microseconds usual_time(Scene& scene) {
  warm_up(scene);
  Exchange exchange(scene.daemon().socket(), kKept + 2);
  exchange.greet();
  const auto begin = std::chrono::steady_clock::now();
  exchange.send(read_small(scene.target().pid()));
  exchange.endings(kDeadline + 4 * kGrace);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
}

/// Events that come to warm agents as something happens, some time before or after.
void check_fault(const std::function<void(Scene&, Exchange&, const std::vector<pid_t>&)>& fault,
                 const std::set<std::string>& outcomes, unsigned rounds = 50, bool concerns_all = false) {
  Scene scene(kKeepsAgents);
  std::map<std::string, int> counts;
  const auto usual = usual_time(scene);
  for (unsigned round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const auto agents = warm_up(scene);
    REQUIRE(agents.size() == kKept);
    Exchange exchange(scene.daemon().socket(), kKept + 2);
    exchange.greet();
    if (round % 3 == 0) fault(scene, exchange, agents);
    exchange.send(read_small(scene.target().pid()));
    if (round % 3 != 0) {
      std::this_thread::sleep_for(2 * usual * round / rounds);
      fault(scene, exchange, agents);
    }
    for (const Ending& ending : exchange.endings(kDeadline + 4 * kGrace)) {
      ++counts[ending.outcome];
      INFO(ending.outcome);
      CHECK(outcomes.contains(ending.outcome));
      CHECK(ending.in_time());
    }
    CHECK_FALSE(exchange.more_came());
    REQUIRE_FALSE(scene.daemon_has_ended());
    if (scene.target().was_signalled()) {
      CHECK(scene.target().is_gone_within(std::chrono::seconds(1)));
      for (const pid_t agent : agents)
        CHECK(wait_until([&] { return !process_exists(agent); }, std::chrono::seconds(1)));
      scene.renew_target();
    }
    CHECK(scene.serves_within(std::chrono::seconds(4)));
  }
  // It met both those that were done and those that were not; but a fork server is replaced before most events need it.
  for (const auto& [outcome, count] : counts) UNSCOPED_INFO(outcome << ": " << count);
  // Under a sanitizer the daemon's part takes so long that what happens elsewhere may always come too early or too late.
  if (!concerns_all && !kKeepsFreedMemory) CHECK(counts.size() > 1);
  const auto& neighbour = scene.stop_neighbour();
  CHECK(neighbour.unanswered.empty());
  CHECK(neighbour.answered > 0);
  if (!concerns_all) CHECK(neighbour.refused == 0);
  CHECK(neighbour.slowest <= kDeadline + (concerns_all ? kGrace : milliseconds(0)));
  // What is kept needs no fork server. Without it the next event does.
  CHECK(wait_until([&] { return statistics_of(scene)["agentsWarm"] == 0; }));
  CHECK(scene.serves_within(std::chrono::seconds(4)));
  const std::string left = scene.left_over();
  INFO(left);
  CHECK(left.empty());
  Json statistics = statistics_of(scene);
  CHECK(statistics["agentsWarm"] == 0);
  CHECK(statistics["agentsRunning"] == 0);
  CHECK(statistics["agentsStuck"] == 0);
}

void signal_all(const std::vector<pid_t>& agents, int signal) {
  for (const pid_t agent : agents) ::kill(agent, signal);
}

}  // namespace

TEST_CASE("Whenever agents that are kept are killed, every event ends once") {
  NSENTERD_NEEDS(missing_root());
  check_fault([](Scene&, Exchange&, const auto& agents) { signal_all(agents, SIGKILL); },
              {"response", "AgentDied"});
}

TEST_CASE("Whenever agents that are kept are stopped, every event ends once") {
  NSENTERD_NEEDS(missing_root());
  check_fault([](Scene&, Exchange&, const auto& agents) { signal_all(agents, SIGSTOP); },
              {"response", "TimedOut"}, 12);
}

TEST_CASE("Whenever a target ends that agents are kept for, every event ends once") {
  NSENTERD_NEEDS(missing_root());
  check_fault([](Scene& scene, Exchange&, const auto&) { scene.target().signal(SIGKILL); },
              {"response", "AgentDied", "NoSuchTarget"});
}

TEST_CASE("Whenever the fork server ends while agents are kept, every event ends once") {
  NSENTERD_NEEDS(missing_root());
  check_fault(
      [](Scene& scene, Exchange& exchange, const auto&) { signal_fork_server(SIGKILL)(scene, exchange, 0); },
      {"response", "JoinFailed"}, 50, true);
}

TEST_CASE("Whenever clients go away whose events agents that are kept serve, every event ends once") {
  NSENTERD_NEEDS(missing_root());
  check_fault([](Scene&, Exchange& exchange, const auto&) { exchange.disconnect(); }, {"response", "closed"});
}

}  // namespace nsenterd::test
