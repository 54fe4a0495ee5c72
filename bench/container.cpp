#include "container.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <nsenterd/namespaces.hpp>

#include "base/syscalls.hpp"
#include "process.hpp"

namespace nsenterd::bench {
namespace {

bool write_file(const char* path, const char* text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return ::write(file.get(), text, std::strlen(text)) >= 0;
}

/// Tells `failed` why it could not become the container's process 1: a child of a process with threads can do no more.
[[noreturn]] void become_init(int failed) {
  const bool complete =
      ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && write_file("/proc/self/setgroups", "deny") &&
      write_file("/proc/self/uid_map", "0 0 1") && write_file("/proc/self/gid_map", "0 0 1") &&
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
  if (complete) ::execlp("sleep", "sleep", "1h", static_cast<char*>(nullptr));
  const int error = errno;
  static_cast<void>(::write(failed, &error, sizeof error));
  ::_exit(1);
}

}  // namespace

Container::Container() {
  // Its other end is closed when sleep(1) is executed.
  Pipe failed = make_pipe();
  int pidfd = -1;
  const pid_t pid = base::clone_process(Namespaces::all().flags() | CLONE_PIDFD, &pidfd, SIGCHLD);
  if (pid < 0) throw_errno("clone3");
  if (pid == 0) become_init(failed.write_end.get());
  init_ = base::ChildProcess(pid, UniqueFd(pidfd));
  failed.write_end.reset();
  int error = 0;
  const ssize_t got = ::read(failed.read_end.get(), &error, sizeof error);
  if (got == 0) return;
  if (got > 0) errno = error;
  throw_errno("making a container");
}

}  // namespace nsenterd::bench
