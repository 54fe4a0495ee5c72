#include "companion/nested_container.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr char kIds[] = "0 100000 65536";

[[noreturn]] void fail(const char* step) {
  throw std::system_error(errno, std::generic_category(), step);
}

void write_ids(pid_t pid, const char* name) {
  const UniqueFd file(::open(proc_path(pid, name).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), kIds, sizeof kIds - 1) < 0) fail(name);
}

}  // namespace

NestedContainer::NestedContainer() {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                    CLONE_NEWCGROUP | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  // There are other threads: up to its end the child may only make system calls.
  pid_ = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid_ < 0) fail("clone3");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  pidfd_.reset(pidfd);
  write_ids(pid_, "uid_map");
  write_ids(pid_, "gid_map");
}

NestedContainer::~NestedContainer() {
  kill();
  siginfo_t ended{};
  (void)::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &ended, WEXITED);
}

void NestedContainer::kill() const noexcept {
  (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

}  // namespace nsenterd::test
