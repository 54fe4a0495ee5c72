#include "attributes.hpp"

#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace procfs_companion {
namespace {

struct stat attributes(mode_t mode, uid_t owner, gid_t group) {
  struct stat status {};
  status.st_mode = mode;
  status.st_nlink = 1;
  status.st_uid = owner;
  status.st_gid = group;
  status.st_blksize = 1024;
  ::clock_gettime(CLOCK_REALTIME, &status.st_mtim);
  status.st_atim = status.st_mtim;
  status.st_ctim = status.st_mtim;
  return status;
}

}  // namespace

struct stat directory_attributes() {
  return attributes(S_IFDIR | 0555, 0, 0);
}

struct stat file_attributes(mode_t permissions, uid_t owner, gid_t group) {
  return attributes(S_IFREG | permissions, owner, group);
}

std::uint64_t number_of(const std::string& path) {
  // FNV-1a. That two of some thousand paths have the same number is not to be expected, and would confuse nobody but find(1).
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : path) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= 0x100000001b3;
  }
  return hash;
}

int access_of(int open_flags) noexcept {
  const int mode = open_flags & O_ACCMODE;
  int access = mode == O_RDONLY ? R_OK : mode == O_WRONLY ? W_OK : R_OK | W_OK;
  if ((open_flags & O_TRUNC) != 0) access |= W_OK;
  return access;
}

bool is_granted_to_all(mode_t mode, int access) noexcept {
  const auto bits = static_cast<mode_t>(access);
  return ((mode >> 6U) & (mode >> 3U) & mode & bits) == bits;
}

}  // namespace procfs_companion
