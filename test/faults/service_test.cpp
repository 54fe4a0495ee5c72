// The daemon, or its fork server, dies under load.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <thread>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/faults.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::seconds;

/// Whether no process of a session is left: a fork server's are its own and its agents. Reaps those that have become this
/// process's children.
bool is_session_empty(pid_t session) {
  bool empty = true;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || ::getsid(pid) != session) continue;
    if (::waitpid(pid, nullptr, WNOHANG | __WALL) != pid) empty = false;
  }
  return empty;
}

/// Requests of three sorts, ten at once, again and again until told to stop. Each must end with one of these.
void make_load(Scene& scene, const std::atomic<bool>& ending, const std::set<std::string>& outcomes) {
  constexpr Json (*kRequests[])(pid_t) = {read_small, read_in_new_pid_namespace, read_private};
  for (std::size_t round = 0; !ending; ++round) {
    Exchange exchange(scene.daemon().socket(), 10);
    exchange.send(kRequests[round % std::size(kRequests)](scene.target().pid()));
    for (const Ending& end : exchange.endings(kDeadline + 4 * kGrace)) {
      INFO(end.outcome << " after " << end.took.count() << " ms");
      CHECK(outcomes.contains(end.outcome));
      CHECK(end.in_time());
    }
    CHECK_FALSE(exchange.more_came());
  }
}

/// How a client fared that asks until it is answered.
struct Persistence {
  int answered = 0;
  int asked_again = 0;
  /// Of a request that never was; empty if there was none.
  std::string failure;
};

/// The outcome of one request on a connection of its own; empty if there was no daemon to connect to.
std::string try_once(const std::filesystem::path& socket, pid_t target) try {
  Exchange exchange(socket, 1);
  exchange.send(read_small(target));
  return exchange.endings(kDeadline + kGrace).front().outcome;
} catch (const std::system_error&) {
  return {};
}

Persistence ask_persistently(const std::filesystem::path& socket, pid_t target,
                             const std::atomic<bool>& ending) {
  Persistence result;
  while (!ending && result.failure.empty()) {
    std::string outcome;
    const bool answered = wait_until([&] {
      outcome = try_once(socket, target);
      if (outcome != "response") ++result.asked_again;
      return outcome == "response";
    });
    if (answered) {
      ++result.answered;
    } else {
      result.failure = "ended with " + outcome;
    }
  }
  return result;
}

void check_answered(Scene& scene) {
  const auto& neighbour = scene.stop_neighbour();
  CHECK(neighbour.unanswered.empty());
  CHECK(neighbour.answered > 0);
  CHECK(neighbour.slowest <= kDeadline + kGrace);
}

}  // namespace

TEST_CASE("A daemon that is killed at any moment leaves no agent a second later") {
  NSENTERD_NEEDS(missing_root());
  // Whoever loses its parent becomes a child of this process, and is waited for in time: until then its container cannot end.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 25; ++round) {
    Scene scene;
    const pid_t session = scene.fork_server();
    Exchange sleeping(scene.daemon().socket(), 5);
    Exchange forking(scene.daemon().socket(), 5);
    sleeping.send(sleep_long(scene.target().pid()));
    forking.send(read_in_new_pid_namespace(scene.target().pid()));
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 20000)(random));
    CHECK(scene.daemon().end(SIGKILL) == 128 + SIGKILL);
    CHECK(wait_until([&] { return is_session_empty(session); }, seconds(1)));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("A request that is made while the daemon is restarted is answered by the new one") {
  NSENTERD_NEEDS(missing_root());
  const BareContainer target;
  Daemon daemon;
  std::atomic<bool> ending = false;
  std::vector<Persistence> clients(8);
  {
    std::vector<std::jthread> threads;
    for (Persistence& client : clients) {
      threads.emplace_back([&] { client = ask_persistently(daemon.socket(), target.pid(), ending); });
    }
    for (int round = 0; round < 10; ++round) {
      std::this_thread::sleep_for(milliseconds(20 + round * 3));
      CHECK(daemon.end(round % 2 == 0 ? SIGTERM : SIGKILL) != -1);
      daemon.start_again();
    }
    ending = true;
  }
  int asked_again = 0;
  for (const Persistence& client : clients) {
    CHECK(client.failure.empty());
    CHECK(client.answered > 0);
    asked_again += client.asked_again;
  }
  // It did hit them.
  CHECK(asked_again >= 10);
}

TEST_CASE("A fork server that is killed again and again under load is replaced each time") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  std::atomic<bool> ending = false;
  std::atomic<int> kills = 0;
  std::jthread killer([&] {
    for (; kills < 25; ++kills) {
      signal_fork_server(SIGKILL)(scene, Exchange(scene.daemon().socket(), 0), 0);
      std::this_thread::sleep_for(milliseconds(30));
    }
    ending = true;
  });
  make_load(scene, ending, {"response", "JoinFailed"});
  CHECK(scene.serves_within(seconds(1)));
  check_answered(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("A fork server that is stopped under load is replaced within three seconds") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  std::atomic<bool> ending = false;
  std::jthread stopper([&] {
    for (int i = 0; i < 3; ++i) {
      const pid_t server = scene.fork_server();
      ::kill(server, SIGSTOP);
      wait_until([&] { return !process_exists(server); }, seconds(3));
      std::this_thread::sleep_for(milliseconds(100));
    }
    ending = true;
  });
  make_load(scene, ending, {"response", "JoinFailed", "TimedOut"});
  stopper.join();
  CHECK(scene.serves_within(seconds(1)));
  check_answered(scene);
  CHECK(scene.left_over().empty());
}

TEST_CASE("A daemon that may not start another fork server says so, and starts it as soon as it may") {
  NSENTERD_NEEDS(missing_root());
  Scene scene;
  scene.stop_neighbour();
  for (int round = 0; round < 25; ++round) {
    const pid_t server = scene.fork_server();
    const Tracer tracer(
        scene.daemon().pid(), Tracer::Traced::itself, {SYS_clone3}, [](pid_t) { return true; },
        [](pid_t) { return EAGAIN; });
    ::kill(server, SIGKILL);
    REQUIRE(wait_until([&] { return !process_exists(server); }));
    Exchange exchange(scene.daemon().socket(), 1);
    exchange.send(read_small(scene.target().pid()));
    const Ending end = exchange.endings(kDeadline + kGrace).front();
    CHECK(end.outcome == "JoinFailed");
    CHECK(tracer.hits() == 1);
    CHECK(scene.serves_within(seconds(1)));
  }
  CHECK(scene.left_over().empty());
}

}  // namespace nsenterd::test
