// How many system calls an event costs the daemon: what does not depend on the machine's clock.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/precondition.hpp"
#include "support/temporary_directory.hpp"
#include "warm_fixture.hpp"

namespace nsenterd::test {
namespace {

/// On a warm agent: epoll_ctl 2, epoll_wait 2, recvmsg 2, sendmsg 1, sendto 1. (The connection and the agent are written
/// to and read once each.)
constexpr long kMostOfWarm = 8;
/// The target's namespaces, of all eight kinds.
constexpr long kMostLinksOfWarm = 7;
/// On an agent of its own: close 5, epoll_ctl 8, epoll_wait 3 or 4, ioctl 2, openat 1, pidfd_open 1, pidfd_send_signal 1, poll 1,
/// recvmsg 4, sendmsg 2, sendto 1, socketpair 1, timerfd_settime 0 or 1, waitid 1.
constexpr long kMostOfCold = 33;
constexpr long kMostLinksOfCold = 2;

constexpr int kBatches = 8;
constexpr int kEvents = 25;

/// By name. Of all threads of a process, while this lives, as strace(1) counts them.
class CallCounter {
 public:
  explicit CallCounter(pid_t pid) : pid_(pid) {
    strace_ = ::fork();
    if (strace_ < 0) throw std::runtime_error("fork");
    if (strace_ == 0) {
      const int null = ::open("/dev/null", O_RDWR);
      for (const int stream : {0, 1, 2}) ::dup2(null, stream);
      ::execlp("strace", "strace", "-f", "-c", "-o", output().c_str(), "-p", std::to_string(pid).c_str(),
               static_cast<char*>(nullptr));
      ::_exit(127);
    }
    if (wait_until([&] { return is_traced(); })) return;
    end();
    throw std::runtime_error("strace does not attach");
  }
  CallCounter(const CallCounter&) = delete;
  CallCounter& operator=(const CallCounter&) = delete;
  ~CallCounter() { end(); }

  /// Ends the count.
  std::map<std::string, long> calls() {
    end();
    // "% time  seconds  usecs/call  calls  [errors]  syscall", between two rules.
    std::istringstream table(read_file(output()));
    std::map<std::string, long> calls;
    for (std::string line; std::getline(table, line);) {
      std::istringstream columns(line);
      std::string share, seconds, each, count, name, last;
      columns >> share >> seconds >> each >> count;
      while (columns >> last) name = last;
      if (name.empty() || name == "total" || name == "syscall" || share.starts_with("-")) continue;
      calls[name] += std::stol(count);
    }
    return calls;
  }

 private:
  [[nodiscard]] std::string output() const { return directory_ / "calls"; }
  [[nodiscard]] bool is_traced() const {
    for (const auto& thread : std::filesystem::directory_iterator(proc_path(pid_, "task"))) {
      const std::string status = read_file(thread.path() / "status");
      if (status.find("TracerPid:\t" + std::to_string(strace_) + "\n") == std::string::npos) return false;
    }
    return true;
  }
  void end() {
    if (strace_ <= 0) return;
    ::kill(strace_, SIGINT);
    ::waitpid(strace_, nullptr, 0);
    strace_ = 0;
  }

  pid_t pid_;
  TemporaryDirectory directory_;
  pid_t strace_ = 0;
};

/// What the daemon calls for an event: by name, the average of the batch that took the fewest of that name, rounded. How often it
/// waits, for instance, depends on whether two things happen at once or one after the other, so on what else the machine does.
class CallsOfEvent {
 public:
  CallsOfEvent(const std::vector<std::string>& options, const Json& namespaces) {
    WarmUnshared fixture(options);
    const Json more{{"namespace", namespaces}};
    // The connection is accepted, and there is what stays, before it is counted.
    for (int i = 0; i < 5; ++i) fixture.ask(read_request(kContainerFile), more);
    std::map<std::string, std::vector<long>> batches;
    for (int batch = 0; batch < kBatches; ++batch) {
      CallCounter counter(fixture.daemon.pid());
      for (int i = 0; i < kEvents; ++i) fixture.ask(read_request(kContainerFile), more);
      for (const auto& [name, count] : counter.calls()) batches[name].push_back(count);
    }
    for (const auto& [name, counts] : batches) {
      if (counts.size() < kBatches) continue;
      calls_[name] =
          std::lround(static_cast<double>(*std::min_element(counts.begin(), counts.end())) / kEvents);
    }
  }

  [[nodiscard]] long of(const std::string& name) const {
    const auto found = calls_.find(name);
    return found == calls_.end() ? 0 : found->second;
  }
  [[nodiscard]] long all_but(const std::string& excepted) const {
    long sum = 0;
    for (const auto& [name, count] : calls_) sum += name == excepted ? 0 : count;
    return sum;
  }
  [[nodiscard]] std::string list() const {
    std::string list;
    for (const auto& [name, count] : calls_) {
      if (count > 0) list += (list.empty() ? "" : ", ") + name + " " + std::to_string(count);
    }
    return list;
  }

 private:
  std::map<std::string, long> calls_;
};

const Json kAll{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};

TEST_CASE("an event on a warm agent costs the daemon no more system calls than it has to", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_programs({"strace"}));
  const CallsOfEvent calls({"--warm-agents", "64"}, kAll);
  INFO("an event costs: " << calls.list());
  CHECK(calls.all_but("readlinkat") <= kMostOfWarm);
  CHECK(calls.of("readlinkat") <= kMostLinksOfWarm);
  // It was counted at all.
  CHECK(calls.of("sendmsg") + calls.of("sendto") >= 2);
}

TEST_CASE("an event on a fresh agent costs the daemon no more system calls than it has to", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_programs({"strace"}));
  const CallsOfEvent calls({"--warm-agents", "0"}, kAll);
  INFO("an event costs: " << calls.list());
  CHECK(calls.all_but("readlinkat") <= kMostOfCold);
  CHECK(calls.of("readlinkat") <= kMostLinksOfCold);
  CHECK(calls.of("pidfd_open") == 1);
}

}  // namespace
}  // namespace nsenterd::test
