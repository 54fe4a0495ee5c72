// A child held by its pidfd (daemon, and programs that embed the library).
#pragma once

#include <optional>

#include <sys/types.h>
#include <sys/wait.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::base {

/// waitid(2) for children that have ended, or what else `options` name, whatever their exit signal; restarts when
/// interrupted. Where WNOHANG finds none, si_pid is 0.
int wait_for_child(idtype_t type, id_t id, int options, siginfo_t& info) noexcept;

/// How a process ended: one of the two is set, or neither where somebody else has reaped it.
struct ExitStatus {
  std::optional<int> status;
  std::optional<int> signal;
};

/// Owns a child process. Its destructor kills just that child and waits for it, which blocks for as long as
/// the kernel keeps the child in uninterruptible sleep: code on an event loop hands a child that may be
/// running to a reaper instead.
class ChildProcess {
 public:
  ChildProcess() noexcept = default;
  /// `pid` is how this process's pid namespace numbers the child.
  ChildProcess(pid_t pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(other.pid_), pidfd_(std::move(other.pidfd_)), reaped_(other.reaped_) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(pidfd_); }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable (poll(2)) once the child has ended. Still owned here.
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

  /// SIGKILL through the pidfd, so never to another process that got the same number.
  void kill() const noexcept;
  /// Reaps the child if it has ended; nothing if it still runs. The pidfd stays open, since an event loop may
  /// watch it. If somebody else reaped it (a SIGCHLD that the embedding program ignores, a wait4(-1) of its
  /// own), the status is lost: both members are unset.
  std::optional<ExitStatus> try_wait() noexcept;
  /// Whether the process is a child of this one, that nobody has reaped yet.
  [[nodiscard]] bool is_own() const noexcept;
  /// Gives the child up without waiting for it; it is reaped when this process ends.
  void abandon() noexcept { reaped_ = true; }

 private:
  void end() noexcept;

  pid_t pid_ = 0;
  UniqueFd pidfd_;
  bool reaped_ = false;
};

}  // namespace nsenterd::base
