#include "faults/bare_container.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/syscalls.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr std::uint64_t kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_line(pid_t pid, const char* file, std::string_view line) {
  const UniqueFd opened(::open(proc_path(pid, file).c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened || ::write(opened.get(), line.data(), line.size()) < 0) fail(file);
}

}  // namespace

BareContainer::BareContainer() {
  pid_ = base::clone_process(kNamespaces, nullptr, SIGCHLD);
  if (pid_ < 0) fail("clone3");
  if (pid_ == 0) {
    // Connections of the test's above all: they would not end with it.
    base::close_range(0, ~0U);
    // Should the test itself be killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  write_line(pid_, "uid_map", "0 0 1\n");
  write_line(pid_, "gid_map", "0 0 1\n");
}

BareContainer::~BareContainer() {
  if (!gone_) signal(SIGKILL);
  // Not for ever: a process in there that its parent does not wait for keeps the pid namespace from ending.
  is_gone_within(std::chrono::seconds(5));
}

void BareContainer::signal(int signal) {
  signalled_ = true;
  if (!gone_) ::kill(pid_, signal);
}

bool BareContainer::is_gone_within(std::chrono::milliseconds limit) {
  return gone_ || wait_until([this] { return gone_ = ::waitpid(pid_, nullptr, WNOHANG) == pid_; }, limit);
}

void BareContainer::start_inside(void (*work)()) const {
  const UniqueFd pidfd(base::pidfd_open(pid_));
  const pid_t outside = ::fork();
  if (outside < 0) fail("fork");
  if (outside == 0) {
    if (::setns(pidfd.get(), CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(1);
    const pid_t inside = ::fork();
    if (inside != 0) ::_exit(inside > 0 ? 0 : 1);
    base::close_range(0, ~0U);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(outside, &status, 0);
  if (status != 0) throw std::runtime_error("no process could be started in the container");
}

}  // namespace nsenterd::test
