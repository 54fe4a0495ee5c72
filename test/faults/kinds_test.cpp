// Every kind of fault, 25 times each: every event ends once and in time, nothing is left of it, and nobody else notices.
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

#include "faults/faults.hpp"
#include "faults/stalls.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr unsigned kRepetitions = 25;
constexpr std::size_t kLanesOfSlow = 9;
// Fewer where everything takes several times as long.
constexpr std::size_t kKindsAtOnce = kKeepsFreedMemory ? 2 : 4;
constexpr int kAttempts = 3;

/// What a fault did to one daemon.
struct Findings {
  std::vector<std::string> problems;

  template <class... Texts>
  void add(const Texts&... texts) {
    std::string problem;
    ((problem += texts), ...);
    problems.push_back(std::move(problem));
  }
};

/// `exchange` may still be to come.
std::unique_ptr<Tracer> trace(const Kind& kind, Scene& scene, const std::atomic<const Exchange*>& exchange) {
  if (kind.when.moment.call < 0) return nullptr;
  const bool is_daemon = kind.when.party == Party::daemon;
  const bool by_anybody = kind.when.by_anybody;
  const pid_t target = scene.target().pid();
  return std::make_unique<Tracer>(
      is_daemon ? scene.daemon().pid() : scene.fork_server(),
      kind.when.party == Party::agent ? Tracer::Traced::its_forks : Tracer::Traced::itself, kind.when.moment,
      [=](pid_t pid) { return by_anybody || holds_pidfd_of(pid, target); },
      [&](pid_t caught) {
        exchange.wait(nullptr);
        return kind.fault(scene, *exchange, caught);
      });
}

void check_endings(const Kind& kind, const std::vector<Ending>& endings, Findings& findings) {
  for (const Ending& ending : endings) {
    if (!kind.outcomes.contains(ending.outcome)) findings.add("ended with ", ending.outcome);
    if (!ending.in_time()) findings.add("ended after ", std::to_string(ending.took.count()), " ms");
  }
}

void run_once(const Kind& kind, Scene& scene, unsigned round, Findings& findings) {
  const bool at_accept = kind.when.moment.call == SYS_accept4 || kind.when.moment.after == SYS_accept4;
  std::unique_ptr<Exchange> exchange;
  std::atomic<const Exchange*> made = nullptr;
  const auto connect = [&] {
    exchange = std::make_unique<Exchange>(scene.daemon().socket(), kind.at_once);
    made = exchange.get();
    made.notify_one();
  };
  if (!at_accept) connect();
  if (!at_accept) exchange->greet();
  auto tracer = trace(kind, scene, made);
  if (at_accept) connect();
  exchange->send(kind.request(scene.target().pid()));
  if (tracer == nullptr) {
    // From at once to when an event is usually over.
    ::usleep(round * 100);
    kind.fault(scene, *exchange, 0);
  }
  check_endings(kind, exchange->endings(kDeadline + 4 * kGrace), findings);
  const auto expected = static_cast<int>(kind.at_once);
  // Reaping comes after the reply.
  if (tracer != nullptr && !kind.may_miss &&
      !wait_until([&] { return tracer->hits() == expected; }, kGrace)) {
    findings.add("happened ", std::to_string(tracer->hits()), " times instead of ",
                 std::to_string(kind.at_once));
  }
  tracer.reset();
  if (scene.daemon_has_ended()) return findings.add("the daemon has ended: ", scene.daemon().log());
  scene.lift_limits();
  if (scene.target().was_signalled()) {
    scene.target().signal(SIGKILL);
    if (!scene.target().is_gone_within(std::chrono::seconds(1))) findings.add("the target does not end");
    scene.renew_target();
  }
  if (!scene.serves_within(std::chrono::seconds(4))) findings.add("the next event does not work");
  if (exchange->more_came()) findings.add("a second reply came");
}

/// One after the other: so many starts at once would be a load of their own.
std::unique_ptr<Scene> set_scene() {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  return std::make_unique<Scene>();
}

void run_lane(const Kind& kind, unsigned rounds, Findings& findings) try {
  const auto own_scene = set_scene();
  Scene& scene = *own_scene;
  for (unsigned round = 0; round < rounds && findings.problems.empty(); ++round)
    run_once(kind, scene, round, findings);
  const auto& neighbour = scene.stop_neighbour();
  const auto longest = kind.concerns_all ? kDeadline + kGrace : kDeadline;
  if (!neighbour.unanswered.empty()) findings.add("the neighbour: ", neighbour.unanswered);
  if (neighbour.answered == 0) findings.add("the neighbour was never answered");
  if (neighbour.refused > 0 && !kind.concerns_all) findings.add("the neighbour got ", neighbour.last_refusal);
  if (neighbour.slowest > longest)
    findings.add("the neighbour waited ", std::to_string(neighbour.slowest.count()), " ms");
  if (const auto left = scene.left_over(); !left.empty()) findings.add("left: ", left);
} catch (const std::exception& failure) {
  findings.add(failure.what());
}

Findings try_kind(const Kind& kind) {
  const std::size_t lanes = kind.is_slow ? kLanesOfSlow : 1;
  const auto rounds =
      static_cast<unsigned>((kRepetitions + lanes * kind.at_once - 1) / (lanes * kind.at_once));
  std::vector<Findings> of_lanes(lanes);
  {
    std::vector<std::jthread> threads;
    for (Findings& found : of_lanes) threads.emplace_back([&] { run_lane(kind, rounds, found); });
  }
  Findings findings;
  for (const Findings& found : of_lanes) {
    for (const std::string& problem : found.problems) findings.add(problem);
  }
  return findings;
}

/// What went wrong while the machine stalled proves nothing, and is tried again.
Findings run_kind(const Kind& kind) {
  for (int attempt = 1;; ++attempt) {
    const auto stalled_before = Stalls::of_machine().total();
    Findings findings = try_kind(kind);
    const bool had_stalled = Stalls::of_machine().total() - stalled_before >= kGrace;
    if (findings.problems.empty() || !had_stalled || attempt == kAttempts) return findings;
  }
}

/// Several side by side: most of their time they wait for deadlines.
void run_kinds(const std::vector<Kind>& kinds) {
  std::vector<Findings> findings(kinds.size());
  {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kKindsAtOnce; ++i) {
      threads.emplace_back([&] {
        for (std::size_t mine = next++; mine < kinds.size(); mine = next++)
          findings[mine] = run_kind(kinds[mine]);
      });
    }
    for (std::jthread& thread : threads) thread.join();
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    for (const std::string& problem : findings[i].problems) FAIL_CHECK(kinds[i].name << ": " << problem);
    CHECK(findings[i].problems.empty());
  }
}

}  // namespace

TEST_CASE("Whatever happens to an agent, its event ends once, and nobody else notices") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(agent_kinds());
}

TEST_CASE(
    "Whatever happens to an agent that takes several forks, its event ends once, and nobody else notices") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(agent_of_several_forks_kinds());
}

TEST_CASE("Whatever happens to the fork server, every event ends once, and the next one works") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(fork_server_kinds());
}

TEST_CASE("Whatever the kernel refuses the daemon, every event ends once, and the next one works") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(daemon_kinds());
}

TEST_CASE("Whatever happens to the target, the event ends once, and nobody else notices") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(target_kinds());
}

TEST_CASE("Whenever the client goes away, its event ends, and nobody else notices") {
  NSENTERD_NEEDS(missing_root());
  run_kinds(client_kinds());
}

}  // namespace nsenterd::test
