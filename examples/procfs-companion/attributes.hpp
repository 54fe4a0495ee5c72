// What stat(2) shows of the filesystem's files. (Companion.)
#pragma once

#include <cstdint>
#include <string>

#include <sys/stat.h>

namespace procfs_companion {

/// A directory of the host's root, as those of a procfs are.
struct stat directory_attributes();
/// A regular file with these permissions; without a size, as those of a procfs are.
struct stat file_attributes(mode_t permissions, uid_t owner, gid_t group);

/// The number that a file is shown under: its path's own, so that it stays the same, whoever asks.
std::uint64_t number_of(const std::string& path);

/// R_OK, W_OK of what open(2) flags ask for. Truncation is a way of writing.
int access_of(int open_flags) noexcept;
/// Whether all three classes of a mode have all of these permissions (R_OK, W_OK, X_OK): then nobody needs to be asked who asks.
bool is_granted_to_all(mode_t mode, int access) noexcept;

}  // namespace procfs_companion
