// Containers that mean harm, or come to it, while requests are under way: what no single fault is.
#include <csignal>
#include <filesystem>
#include <map>

#include <unistd.h>

#include "faults/faults.hpp"
#include "faults/freezer.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/stalled_mount.hpp"
#include "support/unflushed_file.hpp"

namespace nsenterd::test {
namespace {

/// How the endings of one or more exchanges are distributed; CHECKs that all were in time.
class Tally {
 public:
  void add(const std::vector<Ending>& endings) {
    for (const Ending& ending : endings) {
      ++counts_[ending.outcome];
      if (!ending.in_time()) ++late_;
    }
  }
  [[nodiscard]] int of(const std::string& outcome) const {
    const auto found = counts_.find(outcome);
    return found == counts_.end() ? 0 : found->second;
  }
  void check_within(const std::set<std::string>& outcomes) const {
    for (const auto& [outcome, count] : counts_) {
      INFO(outcome << ": " << count << " times");
      CHECK(outcomes.contains(outcome));
    }
    CHECK(late_ == 0);
  }

 private:
  std::map<std::string, int> counts_;
  int late_ = 0;
};

Json read_below_mount(pid_t target) {
  return parameters_for(target, read_request("/mnt/file"));
}

/// Whether a thread of the process is where no signal reaches it.
bool is_stuck_in_kernel(pid_t pid) {
  for (const auto& thread : std::filesystem::directory_iterator(proc_path(pid, "task"))) {
    const std::string stat = read_file(thread.path() / "stat");
    if (stat.at(stat.rfind(')') + 2) == 'D') return true;
  }
  return false;
}

int agents_stuck(Scene& scene) {
  return RawClient(scene.daemon().socket()).call("io.nsenterd.GetStatistics")["parameters"]["agentsStuck"];
}

void check_neighbour(Scene& scene) {
  const auto& neighbour = scene.stop_neighbour();
  CHECK(neighbour.unanswered.empty());
  CHECK(neighbour.answered > 0);
  CHECK(neighbour.refused == 0);
  CHECK(neighbour.slowest <= kDeadline);
}

template <int Signal>
void signal_all() {
  // Everybody but process 1 and itself, sooner or later after the last time. Until the test ends the container.
  for (unsigned pause = 0;; pause = (pause + 37) % 1000) {
    ::kill(-1, Signal);
    ::usleep(pause);
  }
}

void check_loop(void (*loop)(), Json (*request)(pid_t), const std::vector<std::string>& options = {}) {
  Scene scene(options);
  scene.target().start_inside(loop);
  Tally tally;
  for (int round = 0; round < 5; ++round) {
    Exchange exchange(scene.daemon().socket(), 10);
    exchange.send(request(scene.target().pid()));
    tally.add(exchange.endings(kDeadline + 4 * kGrace));
    CHECK_FALSE(exchange.more_came());
  }
  tally.check_within({"response", "AgentDied", "TimedOut"});
  // It met some.
  CHECK(tally.of("AgentDied") + tally.of("TimedOut") > 0);
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

}  // namespace

TEST_CASE("A FUSE filesystem that never answers holds up only those who ask it") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  const StalledMount stalled(scene.target(), "/mnt");
  for (int round = 0; round < 2; ++round) {
    Exchange held(scene.daemon().socket(), 25);
    Exchange other(scene.daemon().socket(), 5);
    held.send(read_below_mount(scene.target().pid()));
    for (int i = 0; i < 10; ++i) {
      other.send(read_small(scene.target().pid()));
      for (const Ending& ending : other.endings(kDeadline + kGrace)) CHECK(ending.outcome == "response");
      CHECK_FALSE(is_stuck_in_kernel(scene.daemon().pid()));
    }
    // Ended by their deadlines, or with their client.
    if (round == 1) held.disconnect();
    Tally tally;
    tally.add(held.endings(kDeadline + 4 * kGrace));
    tally.check_within({round == 1 ? "closed" : "TimedOut"});
  }
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("Agents that no signal reaches hold up nobody, and are counted until they are gone") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  {
    const UnflushedFile file(scene.target(), "/mnt");
    Exchange held(scene.daemon().socket(), 10);
    held.send(read_below_mount(scene.target().pid()));
    Tally tally;
    tally.add(held.endings(kDeadline + 4 * kGrace));
    tally.check_within({"TimedOut"});
    CHECK(wait_until([&] { return agents_stuck(scene) == 10; }));
    CHECK(scene.serves_within(kDeadline));
    CHECK_FALSE(held.more_came());
  }
  CHECK(wait_until([&] { return agents_stuck(scene) == 0; }));
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("A container that stops all that it sees, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGSTOP>, read_small);
}

TEST_CASE("A container that kills all that it sees, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGKILL>, read_small);
}

TEST_CASE("A container that stops agents of several forks, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGSTOP>, read_in_new_pid_namespace);
}

TEST_CASE("A container that kills agents of several forks, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGKILL>, read_in_new_pid_namespace);
}

TEST_CASE("A container that stops agents that are kept, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGSTOP>, read_small, kKeepsAgents);
}

TEST_CASE("A container that kills agents that are kept, again and again, makes no event hang") {
  NSENTERD_NEEDS(missing_root());
  check_loop(signal_all<SIGKILL>, read_small, kKeepsAgents);
}

TEST_CASE("A container that is frozen is served, also when it is frozen during a request") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  for (int round = 0; round < 25; ++round) {
    Exchange under_way(scene.daemon().socket(), 5);
    under_way.send(read_small(scene.target().pid()));
    ::usleep(static_cast<useconds_t>(round * 100));
    const Frozen frozen(scene.target());
    INFO("frozen with " << frozen.with());
    Exchange later(scene.daemon().socket(), 5);
    later.send(read_small(scene.target().pid()));
    for (Exchange* exchange : {&under_way, &later}) {
      for (const Ending& ending : exchange->endings(kDeadline + kGrace)) CHECK(ending.outcome == "response");
    }
  }
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("When its init is killed during 1,000 requests, a container is gone within a second") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  Tally tally;
  constexpr int kRounds = 40;
  for (int round = 0; round < kRounds; ++round) {
    Exchange exchange(scene.daemon().socket(), 25);
    exchange.send(read_small(scene.target().pid()));
    // Four of them, each at another moment of 25 requests that run side by side.
    if (round % 10 == 5) {
      ::usleep(static_cast<useconds_t>(round * 150));
      scene.target().signal(SIGKILL);
      CHECK(scene.target().is_gone_within(std::chrono::seconds(1)));
    }
    tally.add(exchange.endings(kDeadline + 4 * kGrace));
    if (round % 10 == 9) scene.renew_target();
  }
  tally.check_within({"response", "AgentDied", "NoSuchTarget"});
  // All those after each of the four.
  CHECK(tally.of("NoSuchTarget") >= 4 * 4 * 25);
  CHECK(tally.of("response") >= 4 * 5 * 25);
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("31 containers are served while requests for a 32nd all hang") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  const std::vector<BareContainer> healthy(31);
  const StalledMount stalled(scene.target(), "/mnt");
  for (int round = 0; round < 2; ++round) {
    Exchange hanging(scene.daemon().socket(), 32);
    hanging.send(read_below_mount(scene.target().pid()));
    for (const BareContainer& container : healthy) {
      Exchange exchange(scene.daemon().socket(), 2);
      exchange.send(read_small(container.pid()));
      for (const Ending& ending : exchange.endings(kDeadline + 4 * kGrace))
        CHECK(ending.outcome == "response");
    }
    Tally tally;
    tally.add(hanging.endings(kDeadline + 4 * kGrace));
    tally.check_within({"TimedOut"});
  }
  check_neighbour(scene);
  CHECK(scene.left_over().empty());
}

}  // namespace nsenterd::test
