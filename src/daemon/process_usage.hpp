// What this process takes of the machine (daemon).
#pragma once

#include <cstdint>

namespace nsenterd::daemon {

struct ProcessUsage {
  /// Seconds since 1970.
  double start_time = 0;
  /// Bytes.
  std::uint64_t resident_memory = 0;
  std::uint64_t open_descriptors = 0;
};

/// As the kernel tells (proc(5)); 0 for what it does not.
ProcessUsage process_usage();

}  // namespace nsenterd::daemon
