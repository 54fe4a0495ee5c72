// The daemon's log. Records are made on the event loop's thread, and written by one of their own: a journal that does not take
// them, or a pipe that nobody reads, holds up the log and nothing else (daemon).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "daemon/log_options.hpp"
#include "daemon/log_record.hpp"
#include "daemon/rate_limit.hpp"

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace nsenterd::daemon {

/// Used on one thread. What is said through spdlog's own functions meanwhile goes to the same place, as text.
class Log {
 public:
  /// Starts the thread. Throws std::runtime_error where the journal is asked for and there is none.
  explicit Log(const LogOptions& options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  /// Waits until everything has been written, for two seconds at most.
  ~Log();

  /// Other levels and limits from now on. The format stays.
  void configure(const LogOptions& options);

  [[nodiscard]] AuditScope audit() const noexcept { return audit_; }

  /// `fill` is given the Record, to add its fields to, if there is to be one at all.
  template <class Fill>
  void write(RecordKind kind, Fill fill) {
    if (!admits(kind)) return;
    Record record(kind);
    fill(record);
    post(record);
  }
  void write(RecordKind kind) {
    write(kind, [](Record&) {});
  }

  /// Records that did not get through because they came faster than they could be written.
  [[nodiscard]] std::uint64_t dropped() const;
  /// Records over the rate limit.
  [[nodiscard]] std::uint64_t suppressed() const noexcept { return rate_.suppressed(); }

 private:
  bool admits(RecordKind kind);
  void post(const Record& record);
  void say_suppressed(RateLimit::Clock::time_point now);
  void say_dropped();

  AuditScope audit_;
  RateLimit rate_;
  std::shared_ptr<spdlog::details::thread_pool> thread_;
  std::shared_ptr<spdlog::logger> records_;
  // spdlog's default until now, and afterwards again.
  std::shared_ptr<spdlog::logger> former_;
  std::uint64_t dropped_said_ = 0;
};

}  // namespace nsenterd::daemon
