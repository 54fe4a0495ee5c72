// What is logged, and how (daemon).
#pragma once

#include <chrono>
#include <cstddef>

#include <spdlog/common.h>

namespace nsenterd::daemon {

enum class LogFormat {
  /// The journal's, where standard error is connected to it (systemd.exec(5), $JOURNAL_STREAM); otherwise text.
  automatic,
  journal,
  text,
  json,
};

/// Which calls get a record.
enum class AuditScope { denied, all };

struct LogOptions {
  LogFormat format = LogFormat::automatic;
  spdlog::level::level_enum level = spdlog::level::info;
  AuditScope audit = AuditScope::denied;
  /// Records of one kind within the interval; what is over it is counted only. 0 is no limit.
  std::size_t rate_limit = 1000;
  std::chrono::milliseconds rate_interval = std::chrono::seconds(10);
};

}  // namespace nsenterd::daemon
