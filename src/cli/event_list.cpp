#include "cli/event_list.hpp"

#include <utility>

#include "cli/session.hpp"
#include "client/decode.hpp"

namespace nsenterd::cli {

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

Outcome<std::vector<Event>> decode_events(const wire::Json& reply) {
  const auto found = reply.find("events");
  if (found == reply.end()) return unexpected_answer("no events");
  auto events = client::decode<std::vector<Event>>(*found);
  if (!events) return unexpected_answer("events");
  return std::move(*events);
}

}  // namespace nsenterd::cli
