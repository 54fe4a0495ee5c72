// ListEvents: the events under way, and their changes for those who follow them (daemon).
#pragma once

#include <memory>
#include <vector>

#include "daemon/client_pids.hpp"
#include "daemon/event_registry.hpp"
#include "varlink/call.hpp"

namespace nsenterd::daemon {

class EventFollowers {
 public:
  /// `pids` outlives the followers; it knows whoever calls list().
  explicit EventFollowers(const ClientPids& pids) : pids_(pids) {}

  [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
  /// Answers a ListEvents call; with `more`, changes follow until the client goes away.
  void list(const std::shared_ptr<varlink::Call>& call, const std::vector<ClientEventPtr>& events);
  /// Tells those who may know.
  void changed(const ClientEvent& event);
  /// Forgets the calls of a connection that has ended.
  void disconnected(const varlink::Peer& peer);
  /// Answers all calls for the last time, and those to come only once.
  void end();

 private:
  [[nodiscard]] wire::Json describe(const ClientEvent& event, const varlink::Peer& reader) const;

  const ClientPids& pids_;
  std::vector<std::shared_ptr<varlink::Call>> calls_;
  bool ended_ = false;
};

}  // namespace nsenterd::daemon
