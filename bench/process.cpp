#include "process.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "support/processes.hpp"

namespace nsenterd::bench {
namespace {

using std::chrono::nanoseconds;
using test::proc_path;

/// The sum of the lines "key   N kB" of a file in the format of /proc/PID/status.
std::uint64_t sum_of(const std::string& file, std::initializer_list<std::string_view> keys) {
  std::istringstream lines(test::read_file(file));
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t number = 0;
    if (!(words >> key >> number)) continue;
    for (const auto wanted : keys) sum += key == wanted ? number : 0;
  }
  return sum;
}

/// 0 if it has ended: then it is among the reaped.
nanoseconds own_cpu_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

/// Of the children that the process has waited for: cutime and cstime (proc(5)).
nanoseconds reaped_cpu_time(pid_t pid) {
  const std::string text = test::read_file(proc_path(pid, "stat"));
  // The name before may have blanks. What follows it starts with field 3.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 16; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return nanoseconds(std::chrono::seconds(1)) * (user + system) / ::sysconf(_SC_CLK_TCK);
}

}  // namespace

void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

base::ChildProcess spawn(const std::vector<std::string>& arguments, int input, int output) {
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
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), arguments[0]);
  UniqueFd pidfd(base::pidfd_open(pid));
  if (!pidfd) throw_errno("pidfd_open");
  return {pid, std::move(pidfd)};
}

base::ExitStatus wait(base::ChildProcess& child) {
  for (;;) {
    pollfd ended{child.pidfd(), POLLIN, 0};
    if (::poll(&ended, 1, -1) < 0) throw_errno("poll");
    if (const auto status = child.try_wait()) return *status;
  }
}

std::vector<pid_t> children_of(pid_t pid) {
  std::ifstream file(proc_path(pid, "task/") + std::to_string(pid) + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

Memory memory_of(pid_t pid) {
  return {.resident = sum_of(proc_path(pid, "status"), {"VmRSS:"}),
          .unshared = sum_of(proc_path(pid, "smaps_rollup"), {"Private_Clean:", "Private_Dirty:"})};
}

CpuTime cpu_time_of(pid_t service) {
  CpuTime time{.service = own_cpu_time(service), .agents = reaped_cpu_time(service)};
  const auto children = children_of(service);
  for (const pid_t child : children) {
    (child == children.front() ? time.fork_server : time.agents) += own_cpu_time(child);
  }
  return time;
}

}  // namespace nsenterd::bench
