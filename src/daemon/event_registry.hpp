// The events that clients have started and that have a name (daemon).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nsenterd/event.hpp>

#include "varlink/call.hpp"

namespace nsenterd::daemon {

enum class EventStatus { starting, running, finished, terminating };

/// An event of a client.
struct ClientEvent {
  std::string name;
  NSenterEvent event;
  /// Whose connection started it; the address tells connections apart.
  std::shared_ptr<const varlink::Peer> owner;
  /// As the owner's pid namespace numbers the target; nothing where it gave no number.
  std::optional<pid_t> pid;
  std::chrono::steady_clock::time_point accepted;
  /// When its parameters had been decoded.
  std::chrono::steady_clock::time_point decoded;
  EventStatus status = EventStatus::starting;
  /// Whether somebody has received the descriptor that came with the response.
  bool descriptor_is_given = false;
};
using ClientEventPtr = std::shared_ptr<ClientEvent>;

/// Whether a user may know of an event, and end it: its own, or, for root, any.
inline bool is_known_to(const ClientEvent& event, uid_t user) noexcept {
  return user == 0 || event.owner->uid == user;
}

class EventRegistry {
 public:
  /// Called for every change of an event's status, and with `finished` when its name ends.
  using Observer = std::function<void(const ClientEvent&)>;

  explicit EventRegistry(Observer observer) : observer_(std::move(observer)) {}

  /// What the next event is to be named after.
  std::uint64_t next_number() noexcept { return ++last_; }
  /// Names an event by such a number.
  ClientEventPtr add(std::uint64_t number, NSenterEvent event, std::shared_ptr<const varlink::Peer> owner,
                     std::optional<pid_t> pid, std::chrono::steady_clock::time_point accepted);
  void set_status(ClientEvent& event, EventStatus status);
  /// The event's agent runs; nothing happens if it has come further already.
  void set_running(std::uint64_t number);
  /// Ends the event's name. Nothing happens if that is done already.
  void remove(const ClientEventPtr& event);

  /// The event of that name, if the user may know of it.
  [[nodiscard]] ClientEventPtr find(std::string_view name, uid_t user) const;
  /// Whether there has ever been an event of that name.
  [[nodiscard]] bool was_issued(std::string_view name) const noexcept;
  /// Those that the user may know of, in the order of their names.
  [[nodiscard]] std::vector<ClientEventPtr> of_user(uid_t user) const;
  [[nodiscard]] std::vector<ClientEventPtr> of_connection(const varlink::Peer& owner) const;
  [[nodiscard]] std::size_t count_of_user(uid_t user) const;
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }

 private:
  Observer observer_;
  // By number; a name is the number in decimal.
  std::map<std::uint64_t, ClientEventPtr> events_;
  std::unordered_map<uid_t, std::size_t> users_;
  std::uint64_t last_ = 0;
};

}  // namespace nsenterd::daemon
