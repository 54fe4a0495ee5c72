#include "daemon/log_format.hpp"

#include <chrono>

#include <spdlog/fmt/chrono.h>
#include <spdlog/pattern_formatter.h>

#include "wire/text_writer.hpp"

namespace nsenterd::daemon {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

std::string_view view(spdlog::string_view_t text) {
  return {text.data(), text.size()};
}

void append_quoted(std::string& out, std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"=") == std::string_view::npos) {
    out += value;
    return;
  }
  out += '"';
  for (const char character : value) {
    // A backslash in an escaped value begins an escape, and none is that of a quote: this one cannot be mistaken.
    if (character == '"') out += '\\';
    out += character;
  }
  out += '"';
}

/// In UTC, to the microsecond.
std::string time_text(spdlog::log_clock::time_point time) {
  using std::chrono::microseconds;
  const auto since = std::chrono::floor<microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t whole = seconds.count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(whole),
                     (since - microseconds(seconds)).count());
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += ',';
  wire::append_string(out, key);
  out += ':';
  wire::append_string(out, value);
}

void append_view(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

}  // namespace

ReadRecord record_of(const spdlog::details::log_msg& message) {
  const std::string_view payload = view(message.payload);
  return view(message.logger_name) == kRecordLogger ? read_record(payload) : text_record(payload);
}

std::string line_of(const ReadRecord& record) {
  std::string line = record.message;
  for (const auto& [field, value] : record.fields) {
    line.append(" ").append(info_of(field).key) += '=';
    append_quoted(line, value);
  }
  return line;
}

TextFormatter::TextFormatter() : pattern_(std::make_unique<spdlog::pattern_formatter>(kPattern)) {}

void TextFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) {
  const std::string line = line_of(record_of(message));
  spdlog::details::log_msg shown = message;
  shown.payload = line;
  pattern_->format(shown, out);
}

std::unique_ptr<spdlog::formatter> TextFormatter::clone() const {
  return std::make_unique<TextFormatter>();
}

void JsonFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) {
  const ReadRecord record = record_of(message);
  const RecordKindInfo& kind = info_of(record.kind);
  std::string line = R"({"time":")" + time_text(message.time) + '"';
  append_member(line, "level", view(spdlog::level::to_string_view(message.level)));
  append_member(line, "kind", kind.name);
  append_member(line, "message_id", kind.message_id);
  append_member(line, "message", record.message);
  for (const auto& [field, value] : record.fields) {
    const FieldInfo& info = info_of(field);
    if (info.is_number) {
      line.append(",\"").append(info.key).append("\":").append(value);
    } else {
      append_member(line, info.key, value);
    }
  }
  append_view(out, line += "}\n");
}

std::unique_ptr<spdlog::formatter> JsonFormatter::clone() const {
  return std::make_unique<JsonFormatter>();
}

}  // namespace nsenterd::daemon
