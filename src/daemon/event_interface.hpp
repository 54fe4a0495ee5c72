// io.nsenterd: the interface that clients start events with (daemon).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nsenterd/service.hpp>

#include "daemon/access.hpp"
#include "daemon/audit.hpp"
#include "daemon/client_pids.hpp"
#include "daemon/event_counts.hpp"
#include "daemon/event_followers.hpp"
#include "daemon/event_limits.hpp"
#include "daemon/event_registry.hpp"
#include "daemon/metrics_text.hpp"
#include "daemon/send_request.hpp"
#include "varlink/server.hpp"

namespace nsenterd::daemon {

class EventInterface {
 public:
  /// All of these outlive the interface, and the interface the server. Rules and limits may change: they hold for events that are
  /// sent afterwards. `clients` counts the connections.
  EventInterface(NSenterService& service, const AccessRules& access, const EventLimits& limits,
                 std::function<std::size_t()> clients, Audit& audit);

  varlink::Interface describe();

  /// What is counted here and elsewhere, for GetMetrics and for others.
  [[nodiscard]] std::string metrics(MetricsFormat format) const;

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
  void get_statistics(varlink::Call& call);
  void get_metrics(varlink::Call& call) const;

  // Both answer the call themselves where they return nothing.
  std::optional<std::variant<pid_t, Target>> find_target(varlink::Call& call,
                                                         const SendRequestParameters& parameters);
  /// Whether the client may have this event. What of the target has been looked at for that is pinned.
  Result<void> check_access(const varlink::Peer& peer, const SendRequestParameters& parameters,
                            std::variant<pid_t, Target>& target, Audit::Checking& checking) const;
  ClientEventPtr find_event(varlink::Call& call) const;

  void start(const CallPtr& call, SendRequestParameters& parameters, std::variant<pid_t, Target> target,
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
  const AccessRules& access_;
  const EventLimits& limits_;
  std::function<std::size_t()> clients_;
  Audit& audit_;
  ClientPids pids_;
  EventFollowers followers_{pids_};
  EventRegistry events_;
  EventCounts counts_;
  bool draining_ = false;
  std::function<void()> drained_;
};

}  // namespace nsenterd::daemon
