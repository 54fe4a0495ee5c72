#include "process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.hpp"

namespace nsenterd::bench {
namespace {

constexpr std::chrono::milliseconds kStep{10};
constexpr int kPatience = 500;

std::string proc_file(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

/// The sum of the lines "key   N kB" of a file in the format of /proc/PID/status.
std::uint64_t sum_of(const std::string& file, const std::vector<std::string>& keys) {
  std::ifstream lines(file);
  if (!lines) throw_errno(file);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t number = 0;
    if (!(words >> key >> number)) continue;
    for (const auto& wanted : keys) sum += key == wanted ? number : 0;
  }
  return sum;
}

}  // namespace

void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

Process::Process(const std::vector<std::string>& arguments, int input, int output) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const auto& [given, place] : {std::pair(input, STDIN_FILENO), std::pair(output, STDOUT_FILENO)}) {
    if (given >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions, given, place);
    } else {
      ::posix_spawn_file_actions_addopen(&actions, place, "/dev/null", O_RDWR, 0);
    }
  }
  const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), arguments[0]);
}

Process::~Process() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < kPatience && !has_ended(); ++i) std::this_thread::sleep_for(kStep);
  if (!has_ended()) ::kill(pid_, SIGKILL);
  wait();
}

void Process::kill() {
  ::kill(pid_, SIGKILL);
  wait();
}

bool Process::has_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != 0;
}

int Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

Container::Container()
    : unshare_({"unshare", "-Urmpnuif", "--cgroup", "-T", "--mount-proc", "sleep", "infinity"}) {
  // The namespaces are complete when the last program runs.
  for (int i = 0; i < kPatience && !unshare_.has_ended(); ++i) {
    const auto children = children_of(unshare_.pid());
    if (children.size() == 1 && name_of(children[0]) == "sleep") {
      init_ = children[0];
      init_pidfd_.reset(base::pidfd_open(init_));
      if (!init_pidfd_) throw_errno("pidfd_open");
      return;
    }
    std::this_thread::sleep_for(kStep);
  }
  throw std::runtime_error("unshare(1) made no container");
}

Container::~Container() {
  // unshare(1) first: it complains when its child is killed. The child's number stays its own while we hold
  // its pidfd.
  unshare_.kill();
  base::pidfd_send_signal(init_pidfd_.get(), SIGKILL);
}

std::vector<pid_t> children_of(pid_t pid) {
  std::ifstream file(proc_file(pid, "task/") + std::to_string(pid) + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

std::string name_of(pid_t pid) {
  std::ifstream file(proc_file(pid, "comm"));
  std::string name;
  std::getline(file, name);
  return name;
}

Memory memory_of(pid_t pid) {
  return {.resident = sum_of(proc_file(pid, "status"), {"VmRSS:"}),
          .unshared = sum_of(proc_file(pid, "smaps_rollup"), {"Private_Clean:", "Private_Dirty:"})};
}

}  // namespace nsenterd::bench
