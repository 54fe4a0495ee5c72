#include "daemon/event_registry.hpp"

#include <charconv>
#include <utility>

namespace nsenterd::daemon {
namespace {

/// 0 for what is no name.
std::uint64_t number_of(std::string_view name) noexcept {
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, number);
  return error == std::errc() && stop == end && !name.starts_with('0') ? number : 0;
}

}  // namespace

ClientEventPtr EventRegistry::add(std::uint64_t number, NSenterEvent event,
                                  std::shared_ptr<const varlink::Peer> owner, std::optional<pid_t> pid,
                                  std::chrono::steady_clock::time_point accepted) {
  ++users_[owner->uid];
  auto added = std::make_shared<ClientEvent>(ClientEvent{.name = std::to_string(number),
                                                         .event = std::move(event),
                                                         .owner = std::move(owner),
                                                         .pid = pid,
                                                         .accepted = accepted});
  events_.emplace_hint(events_.end(), number, added);
  observer_(*added);
  return added;
}

void EventRegistry::set_status(ClientEvent& event, EventStatus status) {
  if (std::exchange(event.status, status) != status) observer_(event);
}

void EventRegistry::set_running(std::uint64_t number) {
  const auto found = events_.find(number);
  if (found == events_.end() || found->second->status != EventStatus::starting) return;
  set_status(*found->second, EventStatus::running);
}

void EventRegistry::remove(const ClientEventPtr& event) {
  if (events_.erase(number_of(event->name)) == 0) return;
  const auto users = users_.find(event->owner->uid);
  if (--users->second == 0) users_.erase(users);
  set_status(*event, EventStatus::finished);
}

ClientEventPtr EventRegistry::find(std::string_view name, uid_t user) const {
  const auto found = events_.find(number_of(name));
  return found != events_.end() && is_known_to(*found->second, user) ? found->second : nullptr;
}

bool EventRegistry::was_issued(std::string_view name) const noexcept {
  const std::uint64_t number = number_of(name);
  return number > 0 && number <= last_;
}

std::vector<ClientEventPtr> EventRegistry::of_user(uid_t user) const {
  std::vector<ClientEventPtr> list;
  for (const auto& [number, event] : events_) {
    if (is_known_to(*event, user)) list.push_back(event);
  }
  return list;
}

std::vector<ClientEventPtr> EventRegistry::of_connection(const varlink::Peer& owner) const {
  std::vector<ClientEventPtr> list;
  for (const auto& [number, event] : events_) {
    if (event->owner.get() == &owner) list.push_back(event);
  }
  return list;
}

std::size_t EventRegistry::count_of_user(uid_t user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? 0 : found->second;
}

}  // namespace nsenterd::daemon
