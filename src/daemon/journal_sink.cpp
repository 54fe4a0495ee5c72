#include "daemon/journal_sink.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>
// Where in our sources a record is made is nobody's business.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <spdlog/sinks/base_sink.h>
#include <systemd/sd-journal.h>

#include "daemon/log_format.hpp"

namespace nsenterd::daemon {
namespace {

constexpr char kSocket[] = "/run/systemd/journal/socket";

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug: return LOG_DEBUG;
    case spdlog::level::warn: return LOG_WARNING;
    case spdlog::level::err: return LOG_ERR;
    case spdlog::level::critical: return LOG_CRIT;
    default: return LOG_INFO;
  }
}

class JournalSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const ReadRecord record = record_of(message);
    const RecordKindInfo& kind = info_of(record.kind);
    // A person sees the message alone, so that has the fields as well.
    std::vector<std::string> fields{"MESSAGE=" + line_of(record),
                                    "PRIORITY=" + std::to_string(priority_of(message.level)),
                                    "SYSLOG_IDENTIFIER=nsenterd", "NSENTERD_KIND=" + std::string(kind.name),
                                    "MESSAGE_ID=" + std::string(kind.message_id)};
    for (const auto& [field, value] : record.fields) {
      fields.push_back(std::string(info_of(field).journal).append("=").append(value));
    }
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) parts.push_back({field.data(), field.size()});
    // There is nobody to tell of a failure.
    ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }
  void flush_() override {}
};

}  // namespace

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
}

std::shared_ptr<spdlog::sinks::sink> make_journal_sink() {
  // sd_journal_sendv(3) drops what nobody is there to read.
  struct stat status {};
  if (::stat(kSocket, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    throw std::runtime_error(std::string("there is no journal: no socket ") + kSocket);
  }
  return std::make_shared<JournalSink>();
}

}  // namespace nsenterd::daemon
