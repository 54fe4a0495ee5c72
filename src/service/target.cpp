#include <charconv>
#include <string_view>

#include <fcntl.h>

#include <nsenterd/event.hpp>

#include "base/syscalls.hpp"
#include "base/unique_fd.hpp"

namespace nsenterd {

struct Target::Pinned {
  pid_t pid;
  base::UniqueFd pidfd;
};

namespace {

/// The "Pid:" line of the descriptor's fdinfo (proc(5)): 0 if our pid namespace does not show the process, -1
/// if it has ended.
std::optional<pid_t> pid_of(int pidfd) {
  const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[512];
  const ssize_t size = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
  if (size <= 0) return std::nullopt;
  const std::string_view text(buffer, static_cast<std::size_t>(size));
  constexpr std::string_view kKey = "\nPid:\t";
  const auto at = text.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  pid_t pid = 0;
  const char* const begin = text.data() + at + kKey.size();
  if (std::from_chars(begin, text.data() + text.size(), pid).ec != std::errc()) return std::nullopt;
  return pid;
}

}  // namespace

Result<Target> Target::open(pid_t pid) {
  if (pid <= 0) return Failure(InvalidParameter{"pid"});
  base::UniqueFd pidfd(base::pidfd_open(pid));
  // EINVAL: the number is that of a thread, not of a process.
  if (!pidfd && (errno == ESRCH || errno == EINVAL)) return Failure(NoSuchTarget{});
  if (!pidfd) return Failure(JoinFailed{"pidfd_open", errno});
  return Target(std::make_shared<const Pinned>(Pinned{pid, std::move(pidfd)}));
}

Result<Target> Target::from_pidfd(int pidfd) {
  // First: closing a copy of something else could wait for ever.
  if (!base::is_pidfd(pidfd)) return Failure(InvalidParameter{"pidfd"});
  base::UniqueFd own(::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
  if (!own) return Failure(JoinFailed{"fcntl", errno});
  const auto pid = pid_of(own.get());
  if (!pid || *pid == 0) return Failure(InvalidParameter{"pidfd"});
  if (*pid < 0) return Failure(NoSuchTarget{});
  return Target(std::make_shared<const Pinned>(Pinned{*pid, std::move(own)}));
}

pid_t Target::pid() const noexcept {
  return pinned_->pid;
}
int Target::pidfd() const noexcept {
  return pinned_->pidfd.get();
}

}  // namespace nsenterd
