#include "container_process.hpp"

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

namespace procfs_companion {
namespace {

/// The value, or an exception that names the process.
template <class T>
T need(Outcome<T> outcome, pid_t pid) {
  if (!outcome) {
    throw std::system_error(to_int(outcome.error()), std::generic_category(),
                            "process " + std::to_string(pid));
  }
  return std::move(*outcome);
}

nsenterd::UniqueFd open_pidfd(pid_t pid) {
  nsenterd::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) throw std::system_error(errno, std::generic_category(), "process " + std::to_string(pid));
  return pidfd;
}

/// The 22nd field of proc(5)'s stat. The second is the program's name, which may have spaces and parentheses of its own.
std::uint64_t start_time_of(const std::string& stat) {
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t time = 0;
  fields >> time;
  return time;
}

bool has_same(const ProcessDirectory& one, const ProcessDirectory& other, const char* name, pid_t pid) {
  const auto number = [name, pid](const ProcessDirectory& directory) {
    return need(namespace_number(need(directory.open_namespace(name), pid).get()), pid);
  };
  return number(one) == number(other);
}

}  // namespace

ContainerProcess::ContainerProcess(pid_t pid)
    : ContainerProcess(pid, need(ProcessDirectory::open(pid), pid)) {}

ContainerProcess::ContainerProcess(pid_t pid, const ProcessDirectory& directory)
    : pid_(pid),
      pidfd_(open_pidfd(pid)),
      // Read after the pidfd was opened, through the directory: both are of one process, if it is still there.
      start_time_(start_time_of(need(directory.read("stat"), pid))),
      pid_namespace_fd_(need(directory.open_namespace("pid"), pid)),
      pid_namespace_(need(namespace_number(pid_namespace_fd_.get()), pid)),
      namespaces_(need(directory.namespaces(), pid)),
      uids_(need(directory.read("uid_map"), pid)),
      gids_(need(directory.read("gid_map"), pid)) {
  const ProcessDirectory own = need(ProcessDirectory::open(::getpid()), ::getpid());
  for (const char* name : {"user", "pid"}) {
    if (!has_same(own, directory, name, pid)) continue;
    throw std::runtime_error("process " + std::to_string(pid) + " has the host's " + name + " namespace");
  }
}

}  // namespace procfs_companion
