#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/container.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

[[noreturn]] void execute_unshare(pid_t parent, uid_t user) {
  ::setpgid(0, 0);
  if (user != 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
                    ::setresuid(user, user, user) != 0)) {
    ::_exit(1);
  }
  // unshare(1) complains about a signal mask when its child is killed.
  ::dup2(::open("/dev/null", O_RDWR | O_CLOEXEC), STDERR_FILENO);
  // Should the test itself be killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::execlp("unshare", "unshare", "-Urmpnuif", "--cgroup", "-T", "--mount-proc", "--kill-child", "sleep",
           "infinity", static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

UnshareContainer::UnshareContainer(uid_t user) {
  const pid_t self = ::getpid();
  unshare_ = ::fork();
  if (unshare_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (unshare_ == 0) execute_unshare(self, user);
  // It is sleep(1) only when everything before is done.
  const bool started = wait_until([&] {
    const auto children = children_of(unshare_);
    if (children.size() == 1 && process_name(children.front()) == "sleep") pid_ = children.front();
    return pid_ != 0;
  });
  if (started) return;
  end();
  throw std::runtime_error("unshare(1) did not start its program");
}

UnshareContainer::~UnshareContainer() {
  end();
}

void UnshareContainer::end() noexcept {
  // Not waited for by anybody else, so the numbers are still theirs.
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  if (pid_ == 0) ::kill(unshare_, SIGKILL);
  // Not for ever: a process in there that its parent does not wait for keeps the pid namespace from ending.
  wait_until([&] { return ::waitpid(unshare_, nullptr, WNOHANG) != 0; });
}

}  // namespace nsenterd::test
