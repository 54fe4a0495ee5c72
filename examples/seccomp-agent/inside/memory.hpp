// The memory of the thread that made the call. (Inside containers.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <linux/limits.h>

#include <nlohmann/json_fwd.hpp>

namespace seccomp_agent::inside {

/// Reads through /proc/TID/mem, opened by the agent. Other threads may change what is there at any time, so everything is read once.
/// To read may take for ever: a page may be one of a file that a FUSE server of the container has.
class Memory {
 public:
  /// The descriptor stays the caller's.
  explicit Memory(int fd) noexcept : fd_(fd) {}

  /// Up to a zero byte, which is within that many bytes. Throws std::system_error: EFAULT, or `too_long`.
  [[nodiscard]] std::string read_string(std::uint64_t address, std::size_t most = PATH_MAX,
                                        int too_long = ENAMETOOLONG) const;
  /// Throws std::system_error (EFAULT) if not all of it is there.
  void read(std::uint64_t address, std::span<char> bytes) const;

 private:
  int fd_;
};

/// The argument "path", a pointer. Throws std::system_error: as read_string(), or that it is relative to no directory.
std::string read_path(const Memory& memory, const nlohmann::json& argument);

}  // namespace seccomp_agent::inside
