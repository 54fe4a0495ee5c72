#include "operations/place.hpp"

#include <cerrno>
#include <string_view>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/syscalls.hpp"

namespace nsenterd::operations {
namespace {

constexpr std::string_view kProc = "/proc/";
constexpr std::string_view kSys = "/sys/";

// The kernel's own O_LARGEFILE; glibc's is 0 where every file offset has 64 bits.
constexpr int kLargeFile = 0100000;
constexpr int kPathFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
// O_SYNC includes O_DSYNC, O_TMPFILE includes O_DIRECTORY.
constexpr int kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_SYNC | O_ASYNC | O_DIRECT |
                            kLargeFile | O_NOFOLLOW | O_NOATIME | O_TMPFILE;

/// What open(2) would take these flags for: it ignores what it does not know and what has no effect, where
/// openat2(2) refuses it.
open_how how_to_open(int flags, mode_t mode) noexcept {
  open_how how{};
  if ((flags & O_PATH) != 0) {
    how.flags = static_cast<std::uint32_t>((flags & kPathFlags) | O_CLOEXEC);
    return how;
  }
  how.flags = static_cast<std::uint32_t>((flags & kKnownFlags) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  if (creates) how.mode = mode & 07777U;
  return how;
}

/// A symbolic link that leads into a procfs is refused (ELOOP), unless the path itself begins with /proc/: with one to
/// /proc/self/mem, a write to a file of the container would write to the agent's own memory.
base::UniqueFd open_in_container(const std::string& path, open_how how) noexcept {
  const bool names_proc = path.starts_with(kProc);
  if (!names_proc) how.resolve = RESOLVE_NO_SYMLINKS;
  base::UniqueFd file(base::openat2(AT_FDCWD, path.c_str(), how));
  if (file || names_proc || errno != ELOOP) return file;
  how.resolve = 0;
  file.reset(base::openat2(AT_FDCWD, path.c_str(), how));
  struct statfs filesystem {};
  if (!file) return file;
  if (::fstatfs(file.get(), &filesystem) != 0 || filesystem.f_type == PROC_SUPER_MAGIC) {
    file.reset();
    errno = ELOOP;
  }
  return file;
}

}  // namespace

PrivateMountNeeds private_mount_needs(const std::string& path, bool mount_procfs, bool mount_sysfs) {
  return {.procfs = mount_procfs && path.starts_with(kProc), .sysfs = mount_sysfs && path.starts_with(kSys)};
}

base::UniqueFd Place::open(const std::string& path, int flags, mode_t mode) const noexcept {
  open_how how = how_to_open(flags, mode);
  int directory = AT_FDCWD;
  const char* relative = path.c_str();
  if (procfs_ >= 0 && path.starts_with(kProc)) {
    directory = procfs_;
    relative += kProc.size();
  } else if (sysfs_ >= 0 && path.starts_with(kSys)) {
    directory = sysfs_;
    relative += kSys.size();
  }
  if (directory == AT_FDCWD) return open_in_container(path, how);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  while (*relative == '/') ++relative;
  if (*relative == '\0') relative = ".";
  return base::UniqueFd(base::openat2(directory, relative, how));
}

}  // namespace nsenterd::operations
