#include "base/child_process.hpp"

#include <cerrno>
#include <csignal>

#include "base/syscalls.hpp"

namespace nsenterd::base {

int wait_for_child(idtype_t type, id_t id, int options, siginfo_t& info) noexcept {
  int result = 0;
  do {
    info = {};
    // __WALL: an agent's exit signal is its fork server's, whatever that is.
    result = ::waitid(type, id, &info, options | WEXITED | __WALL);
  } while (result < 0 && errno == EINTR);
  return result;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = other.pid_;
    pidfd_ = std::move(other.pidfd_);
    reaped_ = other.reaped_;
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  end();
}

void ChildProcess::end() noexcept {
  if (!pidfd_ || reaped_) return;
  kill();
  siginfo_t info{};
  wait_for_child(P_PIDFD, static_cast<id_t>(pidfd_.get()), 0, info);
}

void ChildProcess::kill() const noexcept {
  if (pidfd_ && !reaped_) pidfd_send_signal(pidfd_.get(), SIGKILL);
}

bool ChildProcess::is_own() const noexcept {
  siginfo_t info{};
  return wait_for_child(P_PIDFD, static_cast<id_t>(pidfd_.get()), WNOHANG | WNOWAIT, info) == 0;
}

std::optional<ExitStatus> ChildProcess::try_wait() noexcept {
  siginfo_t info{};
  if (wait_for_child(P_PIDFD, static_cast<id_t>(pidfd_.get()), WNOHANG, info) < 0) {
    reaped_ = true;
    return ExitStatus{};
  }
  if (info.si_pid == 0) return std::nullopt;
  reaped_ = true;
  if (info.si_code == CLD_EXITED) return ExitStatus{.status = info.si_status, .signal = std::nullopt};
  return ExitStatus{.status = std::nullopt, .signal = info.si_status};
}

}  // namespace nsenterd::base
