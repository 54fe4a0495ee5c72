#include <array>
#include <cstdint>
#include <memory>
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

struct Event {
  std::string name;
  std::int64_t process = 0;
  std::optional<std::int64_t> target;
  std::string message;
  bool async = false;
  std::string state;
  std::uint64_t age = 0;
};

template <class Fields, wire::Describes<Event> Payload>
void describe(Fields& fields, Payload& event) {
  fields.text("event", event.name);
  fields.integer("processId", event.process);
  fields.optional_integer("pid", event.target);
  fields.text("message", event.message);
  fields.boolean("async", event.async);
  fields.text("state", event.state);
  fields.integer("ageMicroseconds", event.age);
}

constexpr std::array kColumns{Column{"EVENT", 8, true},   Column{"STATE", 11, false},
                              Column{"PROCESS", 8, true}, Column{"TARGET", 8, true},
                              Column{"MODE", 5, false},   Column{"AGE", 8, true},
                              Column{"MESSAGE", 0, false}};

std::string row_of(const Event& event) {
  const std::array<std::string, kColumns.size()> cells{
      escape(event.name),
      escape(event.state),
      event.process != 0 ? std::to_string(event.process) : "-",
      event.target ? std::to_string(*event.target) : "-",
      event.async ? "async" : "sync",
      duration_text(1000 * event.age),
      escape(event.message)};
  return format_cells(kColumns, cells);
}

/// A row for each event in a reply to ListEvents.
Outcome<std::string> rows_of(const wire::Json& reply) {
  const auto found = reply.find("events");
  if (found == reply.end()) return unexpected_answer("no events");
  const auto events = decode<std::vector<Event>>(*found);
  if (!events) return unexpected_answer("events");
  std::string rows;
  for (const Event& event : *events) rows += row_of(event);
  return rows;
}

struct Listing {
  bool follow = false;
};

Outcome<void> events(Session& session, const Options& options, const Listing& listing) {
  bool first = true;
  const auto show = [&](const wire::Json& reply) -> Outcome<void> {
    if (options.json) return write_json(reply);
    auto rows = rows_of(reply);
    if (!rows) return rows.error();
    if (std::exchange(first, false)) rows->insert(0, format_titles(kColumns));
    return write_output(*rows);
  };
  constexpr const char* kMethod = "io.nsenterd.ListEvents";
  if (listing.follow) return session.follow(kMethod, wire::Json::object(), show);
  const auto reply = session.call(kMethod, wire::Json::object());
  return reply ? show(reply->parameters) : reply.error();
}

Outcome<void> terminate(Session& session, const Options& /*options*/, const std::vector<std::string>& names) {
  Outcome<void> outcome;
  for (const std::string& name : names) {
    const auto reply = session.call("io.nsenterd.TerminateRequest", {{"event", name}});
    if (reply) continue;
    // The others are terminated all the same.
    if (!outcome) report(outcome.error());
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
      .arguments("EVENT", *names, "The names of events; those that have ended are no error");
}

}  // namespace nsenterd::cli
