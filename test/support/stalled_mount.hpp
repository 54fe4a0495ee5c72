// A FUSE filesystem that never answers, to hold a request where it is.
#pragma once

#include <string>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "support/container.hpp"

namespace nsenterd::test {

/// Mounted over a directory of a container: whoever looks up a path below it waits, killably, until this is destroyed.
class StalledMount {
 public:
  /// Throws std::system_error.
  StalledMount(const Container& container, std::string directory);
  StalledMount(const StalledMount&) = delete;
  StalledMount& operator=(const StalledMount&) = delete;
  ~StalledMount();

  /// Whether a process waits for a FUSE filesystem's answer.
  static bool holds(pid_t pid);

 private:
  pid_t container_;
  std::string directory_;
  UniqueFd device_;
};

}  // namespace nsenterd::test
