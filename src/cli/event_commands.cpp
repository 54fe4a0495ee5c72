#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "cli/columns.hpp"
#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/event_list.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::array kColumns{Column{"EVENT", 8, true},   Column{"STATE", 11, false},
                              Column{"PROCESS", 8, true}, Column{"TARGET", 8, true},
                              Column{"MODE", 5, false},   Column{"AGE", 8, true},
                              Column{"MESSAGE", 0, false}};

/// An event that is being ended stands out.
std::string state_text(const Event& event, const Painter& painter) {
  const std::string state = escape(event.state);
  return state == "terminating" ? painter.failure(state) : state;
}

std::string row_of(const Event& event, const Painter& painter) {
  const std::array<std::string, kColumns.size()> cells{
      escape(event.name),
      state_text(event, painter),
      event.process != 0 ? std::to_string(event.process) : "-",
      event.target ? std::to_string(*event.target) : "-",
      event.async ? "async" : "sync",
      duration_text(1000 * event.age),
      escape(event.message)};
  return format_cells(kColumns, cells);
}

/// A row for each event in a reply to ListEvents.
Outcome<std::string> rows_of(const wire::Json& reply, const Painter& painter) {
  const auto events = decode_events(reply);
  if (!events) return events.error();
  std::string rows;
  for (const Event& event : *events) rows += row_of(event, painter);
  return rows;
}

struct Listing {
  bool follow = false;
};

Outcome<void> events(Session& session, const Options& options, const Listing& listing) {
  bool first = true;
  const Painter painter(options.color, STDOUT_FILENO);
  const auto show = [&](const wire::Json& reply) -> Outcome<void> {
    if (options.json) return write_json(reply);
    auto rows = rows_of(reply, painter);
    if (!rows) return rows.error();
    if (std::exchange(first, false)) rows->insert(0, painter.title(format_titles(kColumns)));
    return write_output(*rows);
  };
  constexpr const char* kMethod = "io.nsenterd.ListEvents";
  if (listing.follow) return session.follow(kMethod, wire::Json::object(), show);
  const auto reply = session.call(kMethod, wire::Json::object());
  return reply ? show(reply->parameters) : reply.error();
}

Outcome<void> terminate(Session& session, const Options& options, const std::vector<std::string>& names) {
  Outcome<void> outcome;
  for (const std::string& name : names) {
    const auto reply = session.call("io.nsenterd.TerminateRequest", {{"event", name}});
    if (reply) {
      if (!options.json) continue;
      if (auto written = write_json({{"event", name}}); !written) return written;
      continue;
    }
    // The others are terminated all the same.
    if (!outcome) report(outcome.error(), options.color);
    outcome = reply.error();
  }
  return outcome;
}

}  // namespace

void declare_event_commands(Syntax& program) {
  const auto listing = std::make_shared<Listing>();
  program.command("events", "List the events under way", with(listing, events))
      .flag("--follow", listing->follow, "Go on with a line for every change, until the daemon ends")
      .json();
  const auto names = std::make_shared<std::vector<std::string>>();
  program.command("terminate", "End events: their agents are killed", with(names, terminate))
      .arguments("EVENT", *names, "The names of events; those that have ended are no error")
      .json();
}

}  // namespace nsenterd::cli
