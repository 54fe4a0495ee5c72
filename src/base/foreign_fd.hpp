// Owns a descriptor of a file that nobody knows anything about: a client's, or one that an agent opened in a container.
// (Daemon, and programs that embed the library.)
#pragma once

#include <utility>

namespace nsenterd::base {

/// Closes a descriptor on a thread of its own. close(2) asks the filesystem that the file is on (FUSE_FLUSH, a write over
/// NFS), and may wait for its answer for ever, beyond the reach of any signal. Where no thread can be made, or too many
/// wait already, the descriptor stays open: that is worse than nothing but being stuck.
void close_aside(int fd) noexcept;

/// As UniqueFd, but closes with close_aside().
class ForeignFd {
 public:
  ForeignFd() noexcept = default;
  explicit ForeignFd(int fd) noexcept : fd_(fd) {}
  ForeignFd(ForeignFd&& other) noexcept : fd_(other.release()) {}
  ForeignFd& operator=(ForeignFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ForeignFd(const ForeignFd&) = delete;
  ForeignFd& operator=(const ForeignFd&) = delete;
  ~ForeignFd() { reset(); }

  /// The descriptor, still owned here; -1 if there is none.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor up to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) close_aside(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace nsenterd::base
