#include "daemon/event_followers.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace nsenterd::daemon {
namespace {

using wire::Json;

const char* state_of(const ClientEvent& event) {
  switch (event.status) {
    // Its agent may run already, when nobody followed that could be told so.
    case EventStatus::starting: return event.event.process_id() > 0 ? "running" : "starting";
    case EventStatus::running: return "running";
    case EventStatus::finished: return "finished";
    case EventStatus::terminating: return "terminating";
  }
  return "finished";
}

std::string text_of(Json events) {
  std::string text;
  wire::append_json(text, {{"events", std::move(events)}});
  return text;
}

}  // namespace

/// One element of the list, with process ids as the reader numbers them.
Json EventFollowers::describe(const ClientEvent& event, const varlink::Peer& reader) const {
  const auto age = std::chrono::steady_clock::now() - event.accepted;
  Json description{{"event", event.name},
                   {"processId", pids_.to_peer(reader, event.event.process_id())},
                   {"message", event.event.request().type},
                   {"async", event.event.parameters().async},
                   {"state", state_of(event)},
                   {"ageMicroseconds", std::chrono::duration_cast<std::chrono::microseconds>(age).count()}};
  if (event.pid) description["pid"] = *event.pid;
  return description;
}

void EventFollowers::list(const std::shared_ptr<varlink::Call>& call,
                          const std::vector<ClientEventPtr>& events) {
  Json list = Json::array();
  for (const auto& event : events) list.push_back(describe(*event, call->peer()));
  if (!call->more() || ended_) return call->reply(text_of(std::move(list)));
  calls_.push_back(call);
  call->reply_continues(text_of(std::move(list)));
}

void EventFollowers::changed(const ClientEvent& event) {
  // A call whose connection is closed for want of a reader is taken out while this goes on.
  for (const auto& call : std::vector(calls_)) {
    if (!is_known_to(event, call->peer().uid)) continue;
    call->reply_continues(text_of(Json::array({describe(event, call->peer())})));
  }
}

void EventFollowers::disconnected(const varlink::Peer& peer) {
  std::erase_if(calls_, [&](const auto& call) { return &call->peer() == &peer; });
}

void EventFollowers::end() {
  ended_ = true;
  for (const auto& call : std::exchange(calls_, {})) call->reply(text_of(Json::array()));
}

}  // namespace nsenterd::daemon
