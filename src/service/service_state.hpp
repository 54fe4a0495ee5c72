// What the events of one service share (daemon, or a program that embeds the library).
#pragma once

#include <functional>
#include <memory>
#include <unordered_set>

#include <boost/asio/any_io_executor.hpp>

#include <nsenterd/failure.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/warm_agents.hpp>

#include "launch/program.hpp"
#include "service/agent_pool.hpp"
#include "service/reaper.hpp"
#include "service/spawner.hpp"

namespace nsenterd::service {

class EventState;

/// Why a service cannot be started.
Failure start_failure(const char* prefix, const base::SystemError& error);

class ServiceState {
 public:
  ServiceState(boost::asio::any_io_executor executor, launch::Program program, std::size_t max_events,
               const WarmAgentLimits& warm_agents, const NamespaceIds& own_namespaces);

  /// Starts the fork server, and waits, blocking, until it is ready.
  static Result<std::shared_ptr<ServiceState>> start(boost::asio::any_io_executor executor,
                                                     launch::Program program, std::size_t max_events,
                                                     const WarmAgentLimits& warm_agents);

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] Spawner& spawner() noexcept { return spawner_; }
  [[nodiscard]] Reaper& reaper() noexcept { return reaper_; }
  [[nodiscard]] AgentPool& pool() noexcept { return pool_; }
  [[nodiscard]] const AgentPool& pool() const noexcept { return pool_; }

  void set_limits(std::size_t max_events, const WarmAgentLimits& warm_agents);
  /// Takes an event up among those under way, and keeps it alive for as long; false if that is one too many.
  bool enter(std::shared_ptr<EventState> event);
  void leave(const std::shared_ptr<EventState>& event);
  [[nodiscard]] std::size_t events_running() const noexcept { return running_.size(); }
  /// Of events that have ended, those whose processes are still there although they should not be. They count against the
  /// limit: it is one of processes.
  [[nodiscard]] std::size_t stuck() const noexcept { return stuck_; }
  /// One more of them, with that agent if it is known; and one less.
  void add_stuck(pid_t agent);
  void remove_stuck() noexcept { --stuck_; }
  void on_stuck(std::function<void(pid_t)> handler) { on_stuck_ = std::move(handler); }

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
  std::function<void(pid_t)> on_stuck_;
};

}  // namespace nsenterd::service
