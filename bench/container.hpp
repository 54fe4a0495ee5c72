// Containers by the hundred: all that one takes here is a process in namespaces of its own.
#pragma once

#include <sys/types.h>

#include "base/child_process.hpp"

namespace nsenterd::bench {

/// sleep(1) in new namespaces of all eight kinds, as their process 1, with a procfs of its own; the files are the host's. It
/// ends with this object, with the thread that made it, and in any case after an hour.
class Container {
 public:
  Container();

  [[nodiscard]] pid_t pid() const noexcept { return init_.pid(); }

 private:
  base::ChildProcess init_;
};

}  // namespace nsenterd::bench
