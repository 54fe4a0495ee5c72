// Agents that have answered, and are kept for the next event of the same kind (daemon, or a program that embeds the library).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/event.hpp>
#include <nsenterd/warm_agents.hpp>

#include "nsjoin/join_plan.hpp"
#include "service/agent_channel.hpp"
#include "service/reaper.hpp"

namespace nsenterd::service {

/// An agent that has joined, with what it was made for (EventPlan::wanted) and where it is.
struct WarmAgent {
  nsjoin::JoinPlan plan;
  NamespaceIds namespaces;
  std::shared_ptr<AgentChannel> channel;
  std::shared_ptr<WatchedChild> process;
  std::chrono::steady_clock::time_point born;
  std::chrono::steady_clock::time_point idle_since = {};

  /// Kills it; no more is heard of it.
  void end() const;
};

class AgentPool {
 public:
  using Clock = std::chrono::steady_clock;

  AgentPool(boost::asio::any_io_executor executor, const WarmAgentLimits& limits)
      : executor_(std::move(executor)), limits_(limits), timer_(executor_) {}
  ~AgentPool() { clear(); }
  AgentPool(const AgentPool&) = delete;
  AgentPool& operator=(const AgentPool&) = delete;

  /// Ends those that are too many now.
  void set_limits(const WarmAgentLimits& limits);
  [[nodiscard]] bool is_enabled() const noexcept { return limits_.agents > 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The process of that number, if agents are, or were just now, kept for it. It may have ended since.
  [[nodiscard]] std::optional<Target> find_target(pid_t pid) const;
  /// Takes an agent out for an event. Whether it is where the target is now is for the caller to find out.
  std::optional<WarmAgent> take(pid_t target, const nsjoin::JoinPlan& plan, Clock::time_point now);
  /// Keeps an agent that has nothing to do, or ends it where that is not possible. WarmAgent::namespaces is found out here.
  void keep(const Target& target, WarmAgent agent, Clock::time_point now);
  /// Ends all.
  void clear();

 private:
  /// What is kept for one target.
  struct Kept {
    Kept(Target pinned, const boost::asio::any_io_executor& executor)
        : target(std::move(pinned)), ended(executor) {}
    ~Kept() { ended.release(); }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    Target target;
    // Watches the target's pidfd, which stays the target's.
    boost::asio::posix::stream_descriptor ended;
    // The one that has been idle for the shortest time comes last.
    std::vector<WarmAgent> agents;
    Clock::time_point used;
  };

  /// Null if the target has ended, or cannot be watched.
  Kept* keep_target(const Target& target);
  bool watch(Kept& kept);
  /// Something is kept.
  void end_oldest();
  /// An idle agent has ended, or said something unasked.
  void on_stirred(pid_t target, const WatchedChild* process);
  void remove_target(pid_t target);
  void schedule(Clock::time_point when);
  void sweep();

  boost::asio::any_io_executor executor_;
  WarmAgentLimits limits_;
  std::unordered_map<pid_t, Kept> targets_;
  std::size_t size_ = 0;
  boost::asio::steady_timer timer_;
  bool scheduled_ = false;
  std::shared_ptr<const AgentPool*> alive_ = std::make_shared<const AgentPool*>(this);
};

}  // namespace nsenterd::service
