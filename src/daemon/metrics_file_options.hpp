// The file that metrics are written to (daemon).
#pragma once

#include <chrono>
#include <filesystem>

namespace nsenterd::daemon {

struct MetricsFileOptions {
  /// Empty: none is written.
  std::filesystem::path path;
  std::chrono::milliseconds interval = std::chrono::seconds(15);
};

}  // namespace nsenterd::daemon
