// The descriptor through which the kernel tells of the system calls that a filter has caught (seccomp_unotify(2)). (Agent.)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "answer.hpp"

namespace seccomp_agent {

/// A system call that a thread waits for the answer of.
struct Notification {
  std::uint64_t id = 0;
  /// The thread, as this process numbers it. It may end at any time, and another may get its number: see is_valid().
  pid_t tid = 0;
  std::uint32_t architecture = 0;
  int number = 0;
  std::array<std::uint64_t, 6> arguments{};
};

class NotifyFd {
 public:
  enum class State { nothing, notification, ended };

  /// Throws std::invalid_argument if it is another kind of file: that must not be asked with ioctl(2) what it is.
  explicit NotifyFd(nsenterd::UniqueFd fd);

  [[nodiscard]] int get() const noexcept { return fd_.get(); }
  /// `ended`: no process is left that could make a call.
  [[nodiscard]] State state() const;
  /// After State::notification; does not block then. Nothing if the thread has gone meanwhile. Throws std::system_error.
  [[nodiscard]] std::optional<Notification> receive() const;
  /// Whether the thread still waits. What was looked up by its number before this was asked was the thread's own if so.
  [[nodiscard]] bool is_valid(std::uint64_t id) const noexcept;
  /// A thread that has gone is no error. A file stays the caller's. Throws std::system_error.
  void respond(std::uint64_t id, const Answer& answer) const;

 private:
  void send(std::uint64_t id, std::int64_t value, int error, bool continues) const;
  void send_file(std::uint64_t id, const NewFile& answer) const;

  nsenterd::UniqueFd fd_;
};

/// The name of a system call; empty if it is not one of this machine's own architecture, whose numbers alone are known to mean
/// what their names say.
std::string name_of(const Notification& notification);

}  // namespace seccomp_agent
