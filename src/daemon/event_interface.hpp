// io.nsenterd: the interface that clients start events with (daemon).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nsenterd/service.hpp>

#include "daemon/client_pids.hpp"
#include "daemon/event_followers.hpp"
#include "daemon/event_registry.hpp"
#include "daemon/send_request.hpp"
#include "daemon/statistics.hpp"
#include "varlink/server.hpp"

namespace nsenterd::daemon {

struct EventLimits {
  std::chrono::milliseconds default_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds maximum_timeout = std::chrono::minutes(5);
  /// Of one user, those that have a name: under way, or finished and not received yet.
  std::size_t events_of_user = 256;
};

class EventInterface {
 public:
  /// The service outlives the interface, and the interface the server. `clients` counts the connections.
  EventInterface(NSenterService& service, const EventLimits& limits, std::function<std::size_t()> clients);

  varlink::Interface describe();

  /// Terminates what a connection that has ended has started.
  void disconnected(const varlink::Peer& peer);

  /// Begins no event any more, and calls `done` when those under way have ended.
  void drain(std::function<void()> done);

 private:
  using CallPtr = std::shared_ptr<varlink::Call>;

  void send_request(const CallPtr& call);
  void receive_response(const CallPtr& call);
  void terminate_request(const CallPtr& call);
  void list_events(const CallPtr& call);
  void get_statistics(varlink::Call& call) const;

  // Both answer the call themselves where they return nothing.
  std::optional<std::variant<pid_t, Target>> find_target(varlink::Call& call,
                                                         const SendRequestParameters& parameters);
  ClientEventPtr find_event(varlink::Call& call) const;

  void start(const CallPtr& call, SendRequestParameters parameters, std::variant<pid_t, Target> target,
             Statistics::Clock::time_point decoded);
  void on_sent(const CallPtr& call, const ClientEventPtr& event, const Result<void>& result);
  [[nodiscard]] std::string begin_reply(const ClientEvent& event) const;
  void on_ended(ClientEvent& event, const Result<void>& result);
  /// Replies with the response, or with what kept it from being there, and ends the event's name: who has not waited until
  /// now comes too late. `text` is how the reply begins.
  void give_response(varlink::Call& call, const ClientEventPtr& event, const Result<void>& result,
                     std::string text);
  void check_drained();

  NSenterService& service_;
  EventLimits limits_;
  std::function<std::size_t()> clients_;
  ClientPids pids_;
  EventFollowers followers_{pids_};
  EventRegistry events_;
  Statistics statistics_;
  bool draining_ = false;
  std::function<void()> drained_;
};

}  // namespace nsenterd::daemon
