#include <array>
#include <charconv>
#include <string_view>

#include <fcntl.h>
#include <poll.h>

#include <nsenterd/target.hpp>
#include <nsenterd/unique_fd.hpp>

#include "base/syscalls.hpp"
#include "nsjoin/namespace_table.hpp"
#include "service/namespace_inode.hpp"

namespace nsenterd {

struct Target::Pinned {
  pid_t pid;
  UniqueFd pidfd;
  /// /proc/PID/ns, once it has been asked for. It stays the same process's: another with its number is another file.
  UniqueFd namespaces = {};
  /// That of its pid namespace, which it never leaves; 0 before it has been looked up.
  std::uint64_t pid_namespace = 0;
};

namespace {

/// The "Pid:" line of the descriptor's fdinfo (proc(5)): 0 if our pid namespace does not show the process, -1
/// if it has ended.
std::optional<pid_t> pid_of(int pidfd) {
  const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
  UniqueFd pidfd(base::pidfd_open(pid));
  // EINVAL: the number is that of a thread, not of a process.
  if (!pidfd && (errno == ESRCH || errno == EINVAL)) return Failure(NoSuchTarget{});
  if (!pidfd) return Failure(JoinFailed{"pidfd_open", errno});
  return Target(std::make_shared<Pinned>(Pinned{pid, std::move(pidfd)}));
}

Result<Target> Target::from_pidfd(int pidfd) {
  // First: closing a copy of something else could wait for ever.
  if (!base::is_pidfd(pidfd)) return Failure(InvalidParameter{"pidfd"});
  UniqueFd own(::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
  if (!own) return Failure(JoinFailed{"fcntl", errno});
  const auto pid = pid_of(own.get());
  if (!pid || *pid == 0) return Failure(InvalidParameter{"pidfd"});
  if (*pid < 0) return Failure(NoSuchTarget{});
  return Target(std::make_shared<Pinned>(Pinned{*pid, std::move(own)}));
}

pid_t Target::pid() const noexcept {
  return pinned_->pid;
}
int Target::pidfd() const noexcept {
  return pinned_->pidfd.get();
}

bool Target::has_ended() const noexcept {
  pollfd ended{pidfd(), POLLIN, 0};
  return ::poll(&ended, 1, 0) != 0;
}

Result<NamespaceIds> Target::namespaces(Namespaces kinds) const {
  const auto failure = [](const char* step) -> Failure {
    if (errno == ENOENT || errno == ESRCH) return NoSuchTarget{};
    return JoinFailed{step, errno};
  };
  if (!pinned_->namespaces) {
    const std::string path = "/proc/" + std::to_string(pid()) + "/ns";
    UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failure("open ns");
    // It was this process's directory only if the number was still its own.
    if (has_ended()) return Failure(NoSuchTarget{});
    pinned_->namespaces = std::move(directory);
  }
  NamespaceIds ids;
  for (const auto& [name, flag] : nsjoin::kNamespaceTable) {
    const auto kind = static_cast<Namespace>(flag);
    if (!kinds.contains(kind)) continue;
    if (kind == Namespace::pid && pinned_->pid_namespace != 0) {
      ids[kind] = pinned_->pid_namespace;
      continue;
    }
    // The link's text has the number: to follow the link costs the kernel several times as much.
    std::array<char, 32> link;
    const ssize_t size = ::readlinkat(pinned_->namespaces.get(), name, link.data(), link.size());
    if (size < 0) return failure(name);
    ids[kind] = service::inode_of_link({link.data(), static_cast<std::size_t>(size)});
  }
  if (kinds.contains(Namespace::pid)) pinned_->pid_namespace = ids[Namespace::pid];
  return ids;
}

}  // namespace nsenterd
