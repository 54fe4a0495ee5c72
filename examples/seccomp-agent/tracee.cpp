#include "tracee.hpp"

#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace seccomp_agent {
namespace {

std::string proc_path(pid_t tid, const std::string& name) {
  return "/proc/" + std::to_string(tid) + "/" + name;
}

/// As much of it as there is: the thread may end at any time.
std::string read_text(const std::string& path) {
  const nsenterd::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

TraceeError to_error(const char* step, const nsenterd::Failure& failure) {
  return {std::string(step) + ": " + to_string(failure), EPERM};
}

/// Namespaces are files of one filesystem, so that the numbers tell them apart.
std::uint64_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool is_own_namespace(int fd, nsenterd::Namespace kind) {
  struct stat own {};
  const std::string path = "/proc/self/ns/" + nsenterd::Namespaces{kind}.names();
  return ::stat(path.c_str(), &own) == 0 && inode_of(fd) == own.st_ino;
}

TraceeResult<Tracee> open_namespaces(Tracee tracee, pid_t tid, nsenterd::Namespaces kinds) {
  using enum nsenterd::Namespace;
  for (const auto kind : {user, mnt, uts, ipc, pid, cgroup, net, time}) {
    if (kind != user && !kinds.contains(kind)) continue;
    auto fd = nsenterd::open_namespace(tid, kind);
    if (!fd) return to_error("namespace", fd.error());
    const bool is_own = is_own_namespace(fd->get(), kind);
    if (kind == user) {
      tracee.shares_user_namespace = is_own;
      tracee.user_namespace = inode_of(fd->get());
    }
    if (!is_own && kinds.contains(kind)) tracee.namespaces.emplace_back(kind, std::move(*fd));
  }
  return tracee;
}

/// The error, if there is one.
std::optional<TraceeError> open_directories(Tracee& tracee, pid_t tid, int directory) {
  auto root = nsenterd::open_root(tid);
  if (!root) return to_error("root", root.error());
  tracee.root = std::move(*root);
  if (directory == AT_FDCWD) {
    auto cwd = nsenterd::open_cwd(tid);
    if (!cwd) return to_error("working directory", cwd.error());
    tracee.directory = std::move(*cwd);
    return std::nullopt;
  }
  // O_PATH and O_DIRECTORY ask nothing of the filesystem, which may be one that does not answer.
  const std::string path = proc_path(tid, "fd/" + std::to_string(directory));
  tracee.directory.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!tracee.directory) tracee.directory_error = errno == ENOTDIR ? ENOTDIR : EBADF;
  return std::nullopt;
}

}  // namespace

std::uint64_t containers_user_namespace(pid_t pid) {
  const auto processes = nsenterd::open_namespace(pid, nsenterd::Namespace::pid);
  if (!processes) return 0;
  const nsenterd::UniqueFd owner(::ioctl(processes->get(), NS_GET_USERNS));
  return owner ? inode_of(owner.get()) : 0;
}

TraceeResult<Tracee> open_tracee(pid_t tid, nsenterd::Namespaces namespaces, int directory) {
  auto tracee = open_namespaces({}, tid, namespaces);
  if (!tracee) return tracee;
  if (auto error = open_directories(*tracee, tid, directory)) return *error;
  tracee->memory.reset(::open(proc_path(tid, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!tracee->memory) return TraceeError{"memory", errno};
  const auto credentials = parse_credentials(read_text(proc_path(tid, "status")));
  if (!credentials) return TraceeError{"status", ESRCH};
  tracee->credentials = *credentials;
  tracee->credentials_inside = translate(*credentials, IdMap(read_text(proc_path(tid, "uid_map"))),
                                         IdMap(read_text(proc_path(tid, "gid_map"))));
  return tracee;
}

}  // namespace seccomp_agent
