// A process may be killed, or interrupted by a signal, between any two steps of the agent's: nothing is done for it then, and nothing
// is left of it.
#include <csignal>
#include <fstream>
#include <memory>

#include <sys/syscall.h>
#include <unistd.h>

#include "faults/tracer.hpp"
#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;

constexpr char kDeathPolicy[] = R"(
[syscalls.mkdirat]
handler = "mkdir"
)";

/// More than the agent makes system calls for one call of a container.
constexpr int kProcesses = 200;
/// In which a module that has all it needs has done its work.
constexpr useconds_t kTimeOfModule = 60000;

/// A container of processes that wait to make a directory each.
class Makers {
 public:
  explicit Makers(const SeccompAgent& agent)
      : container_(RuncContainer::UserNamespace::mapped, agent,
                   {.calls = {"mkdirat"}, .metadata = {}, .capabilities = {}}) {
    container_.put_directory("/made", 0, 0755);
    container_.put_directory("/go", 0, 0755);
    parent_ = container_.start_probe({"each", "/made/", std::to_string(kProcesses), "/go/"});
    const auto names = [this] {
      pids_.clear();
      for (const pid_t pid : children_of(parent_)) pids_[process_name(pid)] = pid;
      return pids_.size() == kProcesses && !pids_.contains("probe");
    };
    if (!wait_until(names)) throw std::runtime_error("the processes do not start");
  }

  void let_go(int which) const { std::ofstream(container_.path("/go/" + std::to_string(which))); }
  void signal(int which, int signal) const { ::kill(pid_of(which), signal); }
  /// Whether it does not wait for its call any more: it has ended, or a signal has interrupted it.
  [[nodiscard]] bool is_gone(int which) const {
    return !process_exists(pid_of(which)) || process_name(pid_of(which)) == "interrupted";
  }
  [[nodiscard]] bool has_made(int which) const {
    return fs::exists(container_.path("/made/" + std::to_string(which)));
  }

 private:
  [[nodiscard]] pid_t pid_of(int which) const { return pids_.at("probe-" + std::to_string(which)); }

  ProfiledContainer container_;
  pid_t parent_ = 0;
  std::map<std::string, pid_t> pids_;
};

/// What came of a signal to one process when the agent was about to make its nth system call.
struct Signalled {
  bool was_caught = false;
  bool had_made = false;
};

Signalled signal_at(const SeccompAgent& agent, const Makers& makers, int nth, int signal) {
  Signalled signalled;
  {
    const Tracer tracer(
        agent.process().pid(), Tracer::Traced::itself, {.call = Moment::kAny, .nth = nth, .after = SYS_ioctl},
        [](pid_t) { return true; },
        [&](pid_t) {
          // A module that waits for nothing but time must not be taken for one that was late.
          ::usleep(kTimeOfModule);
          signalled.had_made = makers.has_made(nth);
          makers.signal(nth, signal);
          wait_until([&] { return makers.is_gone(nth); });
          return 0;
        });
    makers.let_go(nth);
    wait_until([&] { return tracer.hits() > 0 || makers.is_gone(nth); });
    wait_until([&] { return makers.is_gone(nth); });
    signalled.was_caught = tracer.hits() > 0;
  }
  return signalled;
}

}  // namespace

TEST_CASE("a process that is killed or interrupted at any step gets nothing, and leaves nothing") {
  NSENTERD_NEEDS(missing_for_containers());
  const int signal = GENERATE(SIGKILL, SIGUSR1);
  const SeccompAgent agent(kDeathPolicy);
  const Makers makers(agent);
  const Makers others(agent);
  // Both containers' first processes, and those of the makers.
  REQUIRE(says(agent, "is served", 4));
  others.let_go(0);
  REQUIRE(wait_until([&] { return others.has_made(0); }));
  const std::string log = agent.log();
  const auto before = agent.holdings();
  int without = 0;
  int nth = 1;
  for (; nth < kProcesses; ++nth) {
    INFO("signal " << signal << " before the agent's system call " << nth);
    const Signalled signalled = signal_at(agent, makers, nth, signal);
    if (!signalled.was_caught) break;
    if (!signalled.had_made) ++without;
    CHECK(agent.holds_only(before));
    CHECK(makers.has_made(nth) == signalled.had_made);
    others.let_go(nth);
    CHECK(wait_until([&] { return others.has_made(nth); }));
  }
  // To open all that there is to open takes more than twenty; to run the module, and to answer, some more.
  CHECK(without > 20);
  CHECK(nth > without + 1);
  CHECK(nth < kProcesses);
  // That somebody is gone is nothing to complain of.
  CHECK(agent.log() == log);
}

}  // namespace nsenterd::test
