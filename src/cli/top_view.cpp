#include "cli/top_view.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "cli/columns.hpp"
#include "cli/escape.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::array kTargetColumns{Column{"REQ/S", 9, true},  Column{"ERR/S", 9, true},
                                    Column{"FAIL/S", 9, true}, Column{"MEAN", 9, true},
                                    Column{"PID", 9, true},    Column{"CONTAINER", 0, false}};

constexpr std::array kMessageColumns{
    Column{"REQ/S", 9, true},  Column{"ERR/S", 9, true},
    Column{"FAIL/S", 9, true}, Column{"MEDIAN", 9, true},
    Column{"P99", 9, true},    Column{"MESSAGE (MEDIAN and P99 since the daemon's start)", 0, false}};

using Lines = std::vector<std::string>;

std::string tenths(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

/// Failures are what somebody should see.
std::string failures_text(double rate, const Painter& painter) {
  return rate > 0 ? painter.failure(tenths(rate)) : tenths(rate);
}

/// A line of a table, without its end.
std::string without_end(std::string line) {
  line.pop_back();
  return line;
}

Lines heading(const TopView& view, const Painter& painter) {
  const Statistics& now = view.statistics;
  std::string events = std::to_string(view.events.size()) + " under way";
  if (!view.events.empty()) {
    events += ", the oldest for " + duration_text(1000 * view.events.front().age);
  }
  const std::string since =
      view.since_start ? "since the daemon's start" : "over " + tenths(view.rates.interval.count()) + "s";
  const Rate& all = view.rates.all;
  const std::string stuck = std::to_string(now.stuck) + " stuck";
  Lines lines{"nsenterd: up " + uptime_text(now.uptime) + ", clients: " + std::to_string(now.clients),
              "events:   " + events,
              "agents:   " + std::to_string(now.running) + " running, " + std::to_string(now.warm) +
                  " warm, " + (now.stuck > 0 ? painter.failure(stuck) : stuck),
              "rates:    " + tenths(all.requests) + " requests/s, " + tenths(all.error_responses) +
                  " errors/s, " + failures_text(all.failures, painter) + " failures/s, " + since};
  if (!view.note.empty()) lines.push_back(painter.failure(escape(view.note)));
  return lines;
}

Lines target_rows(const TopView& view, const Painter& painter) {
  Lines rows;
  for (std::size_t i = 0; i < view.rates.targets.size(); ++i) {
    const TargetRate& target = view.rates.targets[i];
    const std::array<std::string, kTargetColumns.size()> cells{
        tenths(target.rate.requests),
        tenths(target.rate.error_responses),
        failures_text(target.rate.failures, painter),
        target.mean ? duration_text(1000 * *target.mean) : "-",
        std::to_string(target.pid),
        escape(view.names.at(i))};
    rows.push_back(without_end(format_cells(kTargetColumns, cells)));
  }
  return rows;
}

Lines message_rows(const TopView& view, const Painter& painter) {
  Lines rows;
  for (const MessageRate& message : view.rates.messages) {
    const std::array<std::string, kMessageColumns.size()> cells{tenths(message.rate.requests),
                                                                tenths(message.rate.error_responses),
                                                                failures_text(message.rate.failures, painter),
                                                                duration_text(1000 * message.median),
                                                                duration_text(1000 * message.p99),
                                                                escape(message.message)};
    rows.push_back(without_end(format_cells(kMessageColumns, cells)));
  }
  return rows;
}

/// A blank line, the titles, and the first of the rows; nothing if there is no room for one of them.
void append_table(Lines& lines, std::string titles, Lines table, std::size_t rows) {
  constexpr std::size_t kAbove = 2;
  if (table.empty() || rows <= kAbove) return;
  table.resize(std::min(table.size(), rows - kAbove));
  lines.emplace_back();
  lines.push_back(without_end(std::move(titles)));
  std::move(table.begin(), table.end(), std::back_inserter(lines));
}

wire::Json rate_json(const Rate& rate) {
  return {{"requestsPerSecond", rate.requests},
          {"errorResponsesPerSecond", rate.error_responses},
          {"failuresPerSecond", rate.failures}};
}

}  // namespace

std::vector<std::string> top_lines(const TopView& view, const Painter& painter, std::size_t rows) {
  Lines lines = heading(view, painter);
  const std::size_t left = rows - std::min(rows, lines.size());
  Lines messages = message_rows(view, painter);
  // The messages get a half, or what the containers leave.
  Lines targets = target_rows(view, painter);
  constexpr std::size_t kAbove = 2;
  const std::size_t wanted = messages.empty() ? 0 : messages.size() + kAbove;
  const std::size_t free = left - std::min(left, targets.empty() ? 0 : targets.size() + kAbove);
  const std::size_t given = std::min(wanted, std::max(left / 2, free));
  append_table(lines, painter.title(format_titles(kTargetColumns)), std::move(targets), left - given);
  append_table(lines, painter.title(format_titles(kMessageColumns)), std::move(messages), given);
  if (lines.size() > rows) lines.resize(rows);
  return lines;
}

wire::Json top_json(const TopView& view) {
  const Statistics& now = view.statistics;
  wire::Json json = rate_json(view.rates.all);
  json["intervalSeconds"] = view.rates.interval.count();
  json["sinceStart"] = view.since_start;
  json["uptimeSeconds"] = now.uptime;
  json["clients"] = now.clients;
  json["agentsRunning"] = now.running;
  json["agentsWarm"] = now.warm;
  json["agentsStuck"] = now.stuck;
  json["eventsUnderWay"] = view.events.size();
  json["targets"] = wire::Json::array();
  for (std::size_t i = 0; i < view.rates.targets.size(); ++i) {
    const TargetRate& target = view.rates.targets[i];
    wire::Json row = rate_json(target.rate);
    row["pid"] = target.pid;
    // JSON is UTF-8, which a name need not be.
    row["name"] = escape(view.names.at(i));
    row["meanMicroseconds"] = target.mean ? wire::Json(*target.mean) : wire::Json(nullptr);
    json["targets"].push_back(std::move(row));
  }
  json["messages"] = wire::Json::array();
  for (const MessageRate& message : view.rates.messages) {
    wire::Json row = rate_json(message.rate);
    row["message"] = message.message;
    row["medianMicroseconds"] = message.median;
    row["p99Microseconds"] = message.p99;
    json["messages"].push_back(std::move(row));
  }
  if (!view.note.empty()) json["note"] = view.note;
  return json;
}

}  // namespace nsenterd::cli
