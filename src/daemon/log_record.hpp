// The records of the log: what kinds there are, which fields they have, and how one goes to the thread that writes it (daemon).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spdlog/common.h>

namespace nsenterd::daemon {

enum class RecordKind : std::uint8_t {
  /// What has no kind of its own: a text alone.
  text,
  starting,
  ready,
  ending,
  still_under_way,
  ended,
  configuration_read,
  configuration_wrong,
  setting_changed,
  setting_at_restart,
  fork_server_restarted,
  agent_stuck,
  connection_refused,
  call_denied,
  call_answered,
  event_failed,
  metrics_file_failed,
  metrics_file_written,
  records_suppressed,
  records_dropped,
};

struct RecordKindInfo {
  /// NSENTERD_KIND= of the journal, "kind" of JSON.
  std::string_view name;
  /// MESSAGE_ID= (systemd.journal-fields(7)). Never changed once released.
  std::string_view message_id;
  spdlog::level::level_enum level;
  std::string_view message;
};

/// In the order of RecordKind. docs/observability.md lists them; a test compares.
inline constexpr std::array<RecordKindInfo, 20> kRecordKinds{{
    {"text", "427b8766e6474a91969f3c41e6c09af6", spdlog::level::info, ""},
    {"starting", "2162770f41a44494a5512e2fdbae39c7", spdlog::level::info, "starting"},
    {"ready", "db77e03dddc84f9fb75de92abd1a10fd", spdlog::level::info, "ready"},
    {"ending", "e9a3efb12c354556b66983dbb99277f0", spdlog::level::info, "ending"},
    {"still_under_way", "453bc00842e04ecd9cfd30b07b5f4956", spdlog::level::warn,
     "events are still under way"},
    {"ended", "8f7f30082bed4b65818c63b51ebc851a", spdlog::level::info, "ended"},
    {"configuration_read", "81bed0e839eb4a48b8df57fcba99a735", spdlog::level::info,
     "the configuration has been read anew"},
    {"configuration_wrong", "c676167a3eb64438b2c5ec4020d95e3d", spdlog::level::err,
     "the configuration stays as it was"},
    {"setting_changed", "854207115694458cbc46fc6c199d71f9", spdlog::level::info, "setting has changed"},
    {"setting_at_restart", "26fd8b07f0b04bc28a8f1b14dd79e326", spdlog::level::warn,
     "setting has changed, and takes effect at a restart"},
    {"fork_server_restarted", "ef042c8a48ec492ea717a987c363c12f", spdlog::level::warn,
     "fork server restarted"},
    {"agent_stuck", "c283c457daa746728694070a0d23a93a", spdlog::level::warn, "agent does not end"},
    {"connection_refused", "7b8a489392ca42d4ad8a50f918f82740", spdlog::level::warn, "connection refused"},
    {"call_denied", "ff017208f4e44707b4682518c371308e", spdlog::level::warn, "call denied"},
    {"call_answered", "866f86cfbc294cb88882bbbc0e1d86f9", spdlog::level::info, "call answered"},
    {"event_failed", "cfd573ac9e5b42179fc50016b1d5fd9c", spdlog::level::warn, "event failed"},
    {"metrics_file_failed", "d14cda2c8f1e465eb2d955613b70ec40", spdlog::level::err,
     "cannot write the metrics file"},
    {"metrics_file_written", "cec9fb85cc144c2ca3fe5a366bf2c344", spdlog::level::info,
     "the metrics file can be written again"},
    {"records_suppressed", "ef02ad60f7634b12ba03ec4a005c42ca", spdlog::level::warn, "records suppressed"},
    {"records_dropped", "d2978f7c60a44d7fb6cea3c53dec86ff", spdlog::level::warn, "records dropped"},
}};

inline const RecordKindInfo& info_of(RecordKind kind) {
  return kRecordKinds.at(static_cast<std::size_t>(kind));
}

enum class Field : std::uint8_t {
  version,
  socket,
  path,
  signal,
  peer_pid,
  peer_uid,
  peer_gid,
  method,
  event,
  message_type,
  target_pid,
  agent_pid,
  error,
  error_number,
  parameter,
  limit,
  step,
  reason,
  setting,
  duration,
  count,
  of_kind,
};

struct FieldInfo {
  std::string_view journal;
  /// In text and JSON.
  std::string_view key;
  bool is_number;
};

/// In the order of Field.
inline constexpr std::array<FieldInfo, 22> kFields{{
    {"NSENTERD_VERSION", "version", false},
    {"NSENTERD_SOCKET", "socket", false},
    {"NSENTERD_PATH", "path", false},
    {"NSENTERD_SIGNAL", "signal", true},
    {"NSENTERD_PEER_PID", "peer_pid", true},
    {"NSENTERD_PEER_UID", "peer_uid", true},
    {"NSENTERD_PEER_GID", "peer_gid", true},
    {"NSENTERD_METHOD", "method", false},
    {"NSENTERD_EVENT", "event", false},
    {"NSENTERD_MESSAGE", "request", false},
    {"NSENTERD_TARGET_PID", "target_pid", true},
    {"NSENTERD_AGENT_PID", "agent_pid", true},
    {"NSENTERD_ERROR", "error", false},
    {"ERRNO", "errno", true},
    {"NSENTERD_PARAMETER", "parameter", false},
    {"NSENTERD_LIMIT", "limit", false},
    {"NSENTERD_STEP", "step", false},
    {"NSENTERD_REASON", "reason", false},
    {"NSENTERD_SETTING", "setting", false},
    {"NSENTERD_DURATION_USEC", "duration_usec", true},
    {"NSENTERD_COUNT", "count", true},
    {"NSENTERD_OF_KIND", "of_kind", false},
}};

inline const FieldInfo& info_of(Field field) {
  return kFields.at(static_cast<std::size_t>(field));
}

/// Of a value that comes from elsewhere, so many bytes are logged at most; kCut, which escape() never makes, says that there
/// were more.
inline constexpr std::size_t kLongestValue = 256;
inline constexpr std::string_view kCut = "\\...";

/// A record as it goes to the thread that writes it. Values are escaped (wire::escape) here, where they enter: no format has
/// to do it, and none can forget it.
class Record {
 public:
  explicit Record(RecordKind kind) : text_(1, static_cast<char>(kind)) {}

  void add(Field field, std::string_view value);
  template <std::integral T>
  void add(Field field, T value) {
    append(field, std::to_string(value));
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void append(Field field, std::string_view value);

  // The kind, then for each field its number and its value up to the end of the line: no escaped value contains one.
  std::string text_;
};

/// The same, as the thread that writes it reads it. Refers to the text.
struct ReadRecord {
  RecordKind kind = RecordKind::text;
  std::string message;
  std::vector<std::pair<Field, std::string_view>> fields;
};
/// `text` is that of a Record.
ReadRecord read_record(std::string_view text);
/// A record that is nothing but a message, which may be anything.
ReadRecord text_record(std::string_view message);

/// The value, escaped, and cut if it is long.
std::string loggable(std::string_view value);

}  // namespace nsenterd::daemon
