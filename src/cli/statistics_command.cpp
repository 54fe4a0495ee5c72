#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "cli/columns.hpp"
#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"
#include "cli/statistics.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::array kColumns{Column{"REQUESTS", 10, true}, Column{"ERRORS", 8, true},
                              Column{"FAILURES", 8, true},  Column{"MEDIAN", 9, true},
                              Column{"P99", 9, true},       Column{"MESSAGE", 0, false}};

constexpr std::array kStepColumns{Column{"EVENTS", 10, true}, Column{"MEDIAN", 9, true},
                                  Column{"P99", 9, true}, Column{"STEP", 0, false}};

/// How many failed, if any, stands out.
std::string failures_text(std::uint64_t failures, const Painter& painter) {
  const std::string text = std::to_string(failures);
  return failures > 0 ? painter.failure(text) : text;
}

std::string text_of(const std::string& version, const Statistics& counts, const Painter& painter) {
  std::string text = "version:  " + escape(version) + "\nuptime:   " + uptime_text(counts.uptime) +
                     "\nclients:  " + std::to_string(counts.clients) +
                     "\nagents:   " + std::to_string(counts.running) + " running, " +
                     std::to_string(counts.warm) + " warm, " + std::to_string(counts.stuck) + " stuck\n";
  if (counts.messages.empty()) return text;
  text += '\n' + painter.title(format_titles(kColumns));
  for (const MessageCounts& row : counts.messages) {
    const std::array<std::string, kColumns.size()> cells{
        std::to_string(row.requests),         std::to_string(row.error_responses),
        failures_text(row.failures, painter), duration_text(1000 * row.median),
        duration_text(1000 * row.p99),        escape(row.message)};
    text += format_cells(kColumns, cells);
  }
  return text;
}

/// What the time went to.
std::string text_of(const std::vector<StepTimes>& steps, const Painter& painter) {
  std::string text = '\n' + painter.title(format_titles(kStepColumns));
  for (const StepTimes& row : steps) {
    if (row.count == 0) continue;
    const std::array<std::string, kStepColumns.size()> cells{
        std::to_string(row.count), duration_text(row.median), duration_text(row.p99), escape(row.step)};
    text += format_cells(kStepColumns, cells);
  }
  return text;
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
  const auto decoded = decode_statistics(all);
  if (!decoded) return unexpected_answer("statistics");
  const Painter painter(options.color, STDOUT_FILENO);
  const std::string text = text_of(version->get_ref<const std::string&>(), *decoded, painter);
  return write_output(decoded->messages.empty() ? text : text + text_of(decoded->steps, painter));
}

}  // namespace

void declare_statistics_command(Syntax& program) {
  program.command("status", "Show what the daemon has done since it started", status).json();
}

}  // namespace nsenterd::cli
