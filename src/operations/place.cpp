#include "operations/place.hpp"

#include <cerrno>
#include <limits>
#include <string_view>

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

}  // namespace

PrivateMountNeeds private_mount_needs(const std::string& path, bool mount_procfs, bool mount_sysfs) {
  return {.procfs = mount_procfs && path.starts_with(kProc), .sysfs = mount_sysfs && path.starts_with(kSys)};
}

UniqueFd refuse_memory(UniqueFd file) noexcept {
  // Only where offsets are addresses is there one that is negative (mem_lseek of the kernel's fs/proc/base.c).
  constexpr off_t kAddress = std::numeric_limits<off_t>::min();
  if (::lseek(file.get(), kAddress, SEEK_SET) == kAddress) {
    file.reset();
    errno = EPERM;
  }
  return file;
}

UniqueFd Place::open(const std::string& path, int flags, mode_t mode) const noexcept {
  open_how how = how_to_open(flags, mode);
  how.resolve = resolve_;
  int directory = AT_FDCWD;
  const char* relative = path.c_str();
  if (procfs_ >= 0 && path.starts_with(kProc)) {
    directory = procfs_;
    relative += kProc.size();
  } else if (sysfs_ >= 0 && path.starts_with(kSys)) {
    directory = sysfs_;
    relative += kSys.size();
  }
  if (directory != AT_FDCWD) {
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    while (*relative == '/') ++relative;
    if (*relative == '\0') relative = ".";
  }
  UniqueFd file(base::openat2(directory, relative, how));
  const bool opened = file && (flags & O_PATH) == 0;
  return opened ? refuse_memory(std::move(file)) : std::move(file);
}

}  // namespace nsenterd::operations
