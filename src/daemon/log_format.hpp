// Records as lines of text and of JSON (daemon, on the thread that writes the log).
#pragma once

#include <memory>
#include <string>

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

#include "daemon/log_record.hpp"

namespace nsenterd::daemon {

/// The logger whose messages are Records; those of all others are text.
inline constexpr char kRecordLogger[] = "record";

ReadRecord record_of(const spdlog::details::log_msg& message);

/// "request denied peer_uid=1000 method=...": one line, without its end. A value with a blank, a quote or an equals sign
/// is in quotes.
std::string line_of(const ReadRecord& record);

/// One JSON object a line. Values are escaped as in text, and for JSON once more.
class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override;
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override;
};

/// Time, level, and the line.
class TextFormatter : public spdlog::formatter {
 public:
  TextFormatter();
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override;
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  std::unique_ptr<spdlog::formatter> pattern_;
};

}  // namespace nsenterd::daemon
