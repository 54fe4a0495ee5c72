// Requests whose agents use the companion's own mounts, while it serves them by further requests: what deadlocks where anything waits for
// its turn. Very many short-lived containers at once, with nothing else in the way, and then with what ends at the worst moments.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/mount.h>
#include <unistd.h>

#include <nsenterd/blocking_client.hpp>

#include "companion/nested_container.hpp"
#include "companion/served_companion.hpp"
#include "procfs-companion/control_client.hpp"
#include "support/catch.hpp"
#include "support/event_client.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kAtOnce = 57;

/// How often each of them is started, used and stopped: as the environment says, where somebody has the time.
int rounds() {
  const char* given = std::getenv("NSENTERD_ROUNDS");
  return given == nullptr ? 10 : std::atoi(given);
}

/// What has come of requests, by how each ended.
class Tally {
 public:
  void add(const std::string& outcome) {
    const std::lock_guard lock(mutex_);
    ++counts_[outcome];
  }
  [[nodiscard]] std::map<std::string, int> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> counts_;
};

constexpr char kRight[] = "right";

template <class T>
void judge(Tally& tally, const char* what, const ClientResult<T>& result,
           const std::function<bool(const T&)>& is_right) {
  const std::string name = std::string(what) + ": ";
  tally.add(!result ? name + to_string(result.error()) : is_right(*result) ? kRight : name + "wrong");
}

bool is_done(const std::monostate& /*none*/) {
  return true;
}

/// As a FUSE server's own callers, and as sysbox-fs's agents, use a mount.
void use(BlockingClient& client, pid_t container, const std::filesystem::path& tree, Tally& tally) {
  const Envelope inside{.target = container, .namespaces = Namespaces::all()};
  const std::string sys = tree / "proc/sys";
  const std::string somaxconn = sys + "/net/core/somaxconn";
  judge<requests::FileInfo>(tally, "lookup", client.request(inside, requests::Lookup{somaxconn}),
                            [](const auto& info) { return info.name == "somaxconn"; });
  judge<UniqueFd>(
      tally, "openat2",
      client.request(inside, requests::Openat2{.path = sys + "/kernel/hostname", .verify_fuse = true}),
      [](const UniqueFd& file) {
        char first = 0;
        return ::read(file.get(), &first, 1) == 1;
      });
  judge<std::string>(tally, "mountInfo", client.request(inside, requests::MountInfo{}),
                     [&](const std::string& table) { return table.find(tree) != std::string::npos; });
  judge<std::vector<std::uint64_t>>(
      tally, "mountInode", client.request(inside, requests::MountInode{{sys, tree / "proc/uptime"}}),
      [](const auto& inodes) { return inodes.size() == 2 && inodes[0] != 0 && inodes[1] != 0; });
  judge<std::monostate>(tally, "writeFile",
                        client.request(inside, requests::WriteFile{.path = somaxconn, .data = "1024\n"}),
                        is_done);
  judge<std::string>(tally, "readFile", client.request(inside, requests::ReadFile{.path = somaxconn}),
                     [](const std::string& value) { return value == "1024\n"; });
  judge<std::vector<requests::FileInfo>>(tally, "readDir",
                                         client.request(inside, requests::ReadDir{sys + "/net/core"}),
                                         [](const auto& entries) { return !entries.empty(); });
}

/// Everything that a container may meet in its life, once.
class Lives {
 public:
  Lives(const Daemon& daemon, const Companion& companion)
      : client_({.socket = daemon.socket(), .patience = seconds(10)}),
        root_(companion.root()),
        control_(companion.process().socket()) {}

  /// One container after the other until `goes_on` says no, in as many threads as there are to be at once.
  void run(const std::function<bool(int round)>& goes_on) {
    std::vector<std::jthread> threads;
    for (int place = 0; place < kAtOnce; ++place) {
      threads.emplace_back([this, place, &goes_on] {
        for (int round = 0; goes_on(round); ++round) live(place, round);
      });
    }
  }

  /// Of containers that ended by themselves, and of those that were killed meanwhile.
  Tally whole;
  Tally killed;
  /// Of telling the companion.
  Tally told;
  std::atomic<int> lives = 0;

 private:
  void live(int place, int round) {
    const std::string name = std::to_string(next_++) + "-" + std::to_string(place);
    if (!tell({{"command", "add"}, {"name", name}})) return;
    {
      const NestedContainer container;
      if (tell({{"command", "start"}, {"name", name}, {"pid", container.pid()}})) {
        const bool dies = (place + round) % 3 == 0;
        std::jthread killer;
        if (dies)
          killer = std::jthread([&container, wait = milliseconds((place * 7 + round * 29) % 400)] {
            std::this_thread::sleep_for(wait);
            container.kill();
          });
        use(client_, container.pid(), root_ / name, dies ? killed : whole);
      }
    }
    tell({{"command", "remove"}, {"name", name}});
    ++lives;
  }

  bool tell(const Json& command) {
    try {
      (void)procfs_companion::tell(control_, command);
      return true;
    } catch (const std::exception& failure) {
      told.add(failure.what());
      return false;
    }
  }

  BlockingClient client_;
  std::filesystem::path root_;
  std::filesystem::path control_;
  std::atomic<int> next_ = 0;
};

/// Those of these programs that are in uninterruptible sleep.
std::vector<pid_t> stuck_processes() {
  std::vector<pid_t> stuck;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string number = entry.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(number);
    const std::string name = process_name(pid);
    const bool is_ours = name == "nsenterd" || name == "nsenter-agent" || name == "procfs-companio" ||
                         name == "companion-test";
    if (is_ours && status_field(pid, "State").starts_with("D")) stuck.push_back(pid);
  }
  return stuck;
}

/// Nothing that has begun is left, and nothing that is left waits for ever.
void check_calm(const Daemon& daemon, const Companion& companion) {
  CHECK(wait_until([] { return stuck_processes().empty(); }, seconds(20)));
  EventClient client(daemon);
  CHECK(wait_until([&] { return client.events().empty(); }, seconds(20)));
  CHECK(client.statistics()["agentsStuck"] == 0);
  CHECK(companion.command({"list"}).output.empty());
  CHECK(read_file("/proc/self/mountinfo").find(companion.root().native() + "/") == std::string::npos);
}

TEST_CASE("agents that use the companion's mounts never wait for each other") {
  NSENTERD_NEEDS(missing_for_containers());
  const std::string warm = GENERATE(as<std::string>(), "0", "256");
  CAPTURE(warm);
  const Daemon daemon({"--warm-agents", warm});
  const Companion companion(daemon);
  Lives lives(daemon, companion);
  const auto begin = std::chrono::steady_clock::now();
  lives.run([last = rounds()](int round) { return round < last; });
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  WARN("warm agents: " << warm << ": " << lives.lives << " containers in " << took.count() << " ms");
  CHECK(lives.lives == rounds() * kAtOnce);
  CHECK(lives.told.counts().empty());
  // All seven uses of each that lived on.
  const std::map<std::string, int> whole = lives.whole.counts();
  CHECK(whole.size() == 1);
  CHECK(whole.contains(kRight));
  // Some before anything was asked, some in the middle, some at the end.
  CHECK(lives.killed.counts().contains(kRight));
  CHECK(lives.killed.counts().size() > 1);
  for (const auto& [outcome, count] : lives.killed.counts()) {
    CAPTURE(outcome, count);
    CHECK(outcome.find("timed out") == std::string::npos);
  }
  check_calm(daemon, companion);
}

/// What happens in the middle, and is over when it returns.
struct Fault {
  const char* name;
  void (*happen)(Daemon& daemon, Companion& companion);
};

const Fault kFaults[] = {
    {"the companion is stopped for a while",
     [](Daemon& /*daemon*/, Companion& companion) {
       const Stopped stopped(companion.process().pid());
       std::this_thread::sleep_for(seconds(1));
     }},
    {"the companion is killed",
     [](Daemon& /*daemon*/, Companion& companion) {
       companion.process().end(SIGKILL);
       companion.process().start_again();
     }},
    {"the companion is restarted",
     [](Daemon& /*daemon*/, Companion& companion) {
       CHECK(companion.process().end(SIGTERM) == 0);
       companion.process().start_again();
     }},
    {"the daemon is killed",
     [](Daemon& daemon, Companion& /*companion*/) {
       daemon.end(SIGKILL);
       daemon.start_again();
     }},
    {"the daemon is restarted",
     [](Daemon& daemon, Companion& /*companion*/) {
       CHECK(daemon.end(SIGTERM) == 0);
       daemon.start_again();
     }},
};

TEST_CASE("what is under way when the companion or the daemon ends is over soon, and what follows works") {
  NSENTERD_NEEDS(missing_for_containers());
  const std::size_t which = GENERATE(range(std::size_t{0}, std::size(kFaults)));
  CAPTURE(kFaults[which].name);
  Daemon daemon({"--warm-agents", "64", "--drain-time", "2s"});
  Companion companion(daemon);
  Lives lives(daemon, companion);
  std::atomic<bool> goes_on = true;
  std::thread runner([&] { lives.run([&](int /*round*/) { return goes_on.load(); }); });
  CHECK(wait_until([&] { return lives.lives > kAtOnce; }, seconds(60)));
  for (int i = 0; i < 3; ++i) {
    const int before = lives.lives;
    kFaults[which].happen(daemon, companion);
    // Those that were under way are over, with an error or without one, and so are many that came afterwards.
    CHECK(wait_until([&] { return lives.lives > before + 2 * kAtOnce; }, seconds(60)));
  }
  goes_on = false;
  runner.join();
  // Those whose removal nobody heard of.
  for (std::string left = companion.command({"list"}).output; !left.empty();
       left.erase(0, left.find('\n') + 1))
    CHECK(companion.command({"remove", left.substr(0, left.find(' '))}).status == 0);
  check_calm(daemon, companion);
  Lives after(daemon, companion);
  after.run([](int round) { return round < 1; });
  CHECK(after.told.counts().empty());
  const std::map<std::string, int> whole = after.whole.counts();
  CHECK(whole.size() == 1);
  CHECK(whole.contains(kRight));
  check_calm(daemon, companion);
}

}  // namespace
}  // namespace nsenterd::test
