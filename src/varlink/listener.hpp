// A listening socket in the file system (daemon, and test servers).
#pragma once

#include <filesystem>

#include <sys/stat.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::varlink {

/// Listens on a path, which others can connect to: who may do what is decided by the peer's credentials. A
/// socket that a daemon left behind when it was killed is replaced; one that somebody listens on is not.
/// Removes the path when destroyed, if it is still its own.
class Listener {
 public:
  /// Throws std::system_error.
  explicit Listener(std::filesystem::path path);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Gives the listening socket to the caller.
  [[nodiscard]] UniqueFd take_socket() noexcept { return std::move(socket_); }

 private:
  std::filesystem::path path_;
  UniqueFd socket_;
  struct stat own_ {};
};

}  // namespace nsenterd::varlink
