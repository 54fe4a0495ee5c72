// What the events of one service share (daemon, or a program that embeds the library).
#pragma once

#include <memory>
#include <unordered_set>

#include <boost/asio/any_io_executor.hpp>

#include <nsenterd/service.hpp>

#include "service/agent_pool.hpp"
#include "service/reaper.hpp"
#include "service/spawner.hpp"

namespace nsenterd::service {

class EventState;

class ServiceState {
 public:
  ServiceState(boost::asio::any_io_executor executor, base::UniqueFd program, const ServiceOptions& options,
               const NamespaceIds& own_namespaces);

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] Spawner& spawner() noexcept { return spawner_; }
  [[nodiscard]] Reaper& reaper() noexcept { return reaper_; }
  [[nodiscard]] AgentPool& pool() noexcept { return pool_; }
  [[nodiscard]] const AgentPool& pool() const noexcept { return pool_; }

  /// Takes an event up among those under way, and keeps it alive for as long; false if that is one too many.
  bool enter(std::shared_ptr<EventState> event);
  void leave(const std::shared_ptr<EventState>& event);
  [[nodiscard]] std::size_t events_running() const noexcept { return running_.size(); }
  /// Of events that have ended, those whose processes are still there although they should not be. They count against the
  /// limit: it is one of processes.
  std::size_t& stuck() noexcept { return stuck_; }

  /// The user and mount namespaces of this process. The kernel does not let it join the former; who is in the latter is a
  /// process of the host.
  [[nodiscard]] const NamespaceIds& own_namespaces() const noexcept { return own_namespaces_; }

  /// Ends everything; events sent afterwards are refused.
  void shut_down();
  [[nodiscard]] bool is_shut_down() const noexcept { return shut_down_; }

 private:
  boost::asio::any_io_executor executor_;
  std::size_t max_events_;
  NamespaceIds own_namespaces_;
  bool shut_down_ = false;
  Reaper reaper_;
  Spawner spawner_;
  AgentPool pool_;
  std::unordered_set<std::shared_ptr<EventState>> running_;
  std::size_t stuck_ = 0;
};

}  // namespace nsenterd::service
