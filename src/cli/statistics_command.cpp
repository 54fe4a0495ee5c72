#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/columns.hpp"
#include "cli/commands.hpp"
#include "cli/decode.hpp"
#include "cli/escape.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

struct MessageCounts {
  std::string message;
  std::uint64_t requests = 0;
  std::uint64_t error_responses = 0;
  std::uint64_t failures = 0;
  std::uint64_t median = 0;
  std::uint64_t p99 = 0;
};

template <class Fields, wire::Describes<MessageCounts> Payload>
void describe(Fields& fields, Payload& counts) {
  fields.text("message", counts.message);
  fields.integer("requests", counts.requests);
  fields.integer("errorResponses", counts.error_responses);
  fields.integer("failures", counts.failures);
  fields.integer("medianMicroseconds", counts.median);
  fields.integer("p99Microseconds", counts.p99);
}

struct StepTimes {
  std::string step;
  std::uint64_t count = 0;
  std::uint64_t median = 0;
  std::uint64_t p99 = 0;
};

template <class Fields, wire::Describes<StepTimes> Payload>
void describe(Fields& fields, Payload& times) {
  fields.text("step", times.step);
  fields.integer("count", times.count);
  fields.integer("medianNanoseconds", times.median);
  fields.integer("p99Nanoseconds", times.p99);
}

struct Counts {
  std::uint64_t uptime = 0;
  std::uint64_t running = 0;
  std::uint64_t warm = 0;
  std::uint64_t stuck = 0;
  std::uint64_t clients = 0;
};

template <class Fields, wire::Describes<Counts> Payload>
void describe(Fields& fields, Payload& counts) {
  fields.integer("uptimeSeconds", counts.uptime);
  fields.integer("agentsRunning", counts.running);
  fields.integer("agentsWarm", counts.warm);
  fields.integer("agentsStuck", counts.stuck);
  fields.integer("clients", counts.clients);
}

constexpr std::array kColumns{Column{"REQUESTS", 10, true}, Column{"ERRORS", 8, true},
                              Column{"FAILURES", 8, true},  Column{"MEDIAN", 9, true},
                              Column{"P99", 9, true},       Column{"MESSAGE", 0, false}};

constexpr std::array kStepColumns{Column{"EVENTS", 10, true}, Column{"MEDIAN", 9, true},
                                  Column{"P99", 9, true}, Column{"STEP", 0, false}};

/// "3d 04:05:06"; the days only if there are any.
std::string uptime_text(std::uint64_t seconds) {
  constexpr std::uint64_t kDay = 86400;
  std::array<char, 16> clock{};
  const auto rest = static_cast<unsigned>(seconds % kDay);
  std::snprintf(clock.data(), clock.size(), "%02u:%02u:%02u", rest / 3600, rest / 60 % 60, rest % 60);
  return (seconds < kDay ? "" : std::to_string(seconds / kDay) + "d ") + clock.data();
}

std::string text_of(const std::string& version, const Counts& counts,
                    const std::vector<MessageCounts>& messages) {
  std::string text = "version:  " + escape(version) + "\nuptime:   " + uptime_text(counts.uptime) +
                     "\nclients:  " + std::to_string(counts.clients) +
                     "\nagents:   " + std::to_string(counts.running) + " running, " +
                     std::to_string(counts.warm) + " warm, " + std::to_string(counts.stuck) + " stuck\n";
  if (messages.empty()) return text;
  text += '\n' + format_titles(kColumns);
  for (const MessageCounts& row : messages) {
    const std::array<std::string, kColumns.size()> cells{
        std::to_string(row.requests),     std::to_string(row.error_responses), std::to_string(row.failures),
        duration_text(1000 * row.median), duration_text(1000 * row.p99),       escape(row.message)};
    text += format_cells(kColumns, cells);
  }
  return text;
}

/// What the time went to.
std::string text_of(const std::vector<StepTimes>& steps) {
  std::string text = '\n' + format_titles(kStepColumns);
  for (const StepTimes& row : steps) {
    if (row.count == 0) continue;
    const std::array<std::string, kStepColumns.size()> cells{
        std::to_string(row.count), duration_text(row.median), duration_text(row.p99), escape(row.step)};
    text += format_cells(kStepColumns, cells);
  }
  return text;
}

template <class Row>
std::optional<std::vector<Row>> decode_list(const wire::Json& statistics, const char* name) {
  const auto list = statistics.find(name);
  return list == statistics.end() ? std::nullopt : decode<std::vector<Row>>(*list);
}

Outcome<void> status(Session& session, const Options& options) {
  const auto info = session.call("org.varlink.service.GetInfo", wire::Json::object());
  if (!info) return info.error();
  const auto version = info->parameters.find("version");
  if (version == info->parameters.end() || !version->is_string()) return unexpected_answer("no version");
  auto statistics = session.call("io.nsenterd.GetStatistics", wire::Json::object());
  if (!statistics) return statistics.error();
  wire::Json& all = statistics->parameters;
  if (options.json) {
    all["version"] = *version;
    return write_json(all);
  }
  const auto counts = decode<Counts>(all);
  const auto messages = decode_list<MessageCounts>(all, "messages");
  const auto steps = decode_list<StepTimes>(all, "steps");
  if (!counts || !messages || !steps) return unexpected_answer("statistics");
  const std::string text = text_of(version->get_ref<const std::string&>(), *counts, *messages);
  return write_output(messages->empty() ? text : text + text_of(*steps));
}

}  // namespace

void declare_statistics_command(Syntax& program) {
  program.command("status", "Show what the daemon has done since it started", status).json();
}

}  // namespace nsenterd::cli
