// A container that is made and ended in a moment, so that there can be very many.
#pragma once

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {

/// One process, which waits, in new namespaces of all kinds but time, with 65,536 ids. Its files are the host's, mounts of before included.
/// It ends with the thread that makes it, at the latest.
class NestedContainer {
 public:
  /// Throws std::system_error.
  NestedContainer();
  NestedContainer(const NestedContainer&) = delete;
  NestedContainer& operator=(const NestedContainer&) = delete;
  ~NestedContainer();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Ends it, with all that is in its pid namespace. From any thread.
  void kill() const noexcept;

 private:
  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

}  // namespace nsenterd::test
