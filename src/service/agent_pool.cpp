#include "service/agent_pool.hpp"

#include <algorithm>
#include <utility>

namespace nsenterd::service {
void WarmAgent::end() const {
  channel->close();
  process->set_handler(nullptr);
  process->kill();
}

void AgentPool::set_limits(const WarmAgentLimits& limits) {
  limits_ = limits;
  while (size_ > limits_.agents) end_oldest();
  // What is kept may have been idle for too long now.
  timer_.cancel();
  scheduled_ = false;
  if (!targets_.empty()) schedule(Clock::now() + limits_.idle_time);
}

std::optional<Target> AgentPool::find_target(pid_t pid) const {
  const auto found = targets_.find(pid);
  if (found == targets_.end()) return std::nullopt;
  return found->second.target;
}

std::optional<WarmAgent> AgentPool::take(pid_t target, const nsjoin::JoinPlan& plan, Clock::time_point now) {
  const auto kept = targets_.find(target);
  if (kept == targets_.end()) return std::nullopt;
  kept->second.used = now;
  auto& agents = kept->second.agents;
  // The last one used: what it touched is more likely to be in the caches, and the others may end.
  const auto found = std::find_if(agents.rbegin(), agents.rend(),
                                  [&](const WarmAgent& agent) { return agent.plan == plan; });
  if (found == agents.rend()) return std::nullopt;
  WarmAgent agent = std::move(*found);
  agents.erase(std::next(found).base());
  --size_;
  return agent;
}

void AgentPool::keep(const Target& target, WarmAgent agent, Clock::time_point now) {
  Kept* const kept = now - agent.born < limits_.age ? keep_target(target) : nullptr;
  if (kept == nullptr) return agent.end();
  if (agent.namespaces == NamespaceIds()) {
    // Of the agent, not of the target, which may have moved on since the agent joined.
    const auto self = Target::open(agent.process->pid());
    const auto namespaces = self ? self->namespaces(*Namespaces::from_flags(agent.plan.join)) : self.error();
    if (!namespaces) return agent.end();
    agent.namespaces = *namespaces;
  }
  const auto stirred = [this, pid = target.pid(), process = agent.process.get()] {
    on_stirred(pid, process);
  };
  agent.channel->set_handler(stirred);
  agent.process->set_handler([stirred](const auto&) { stirred(); });
  agent.idle_since = now;
  kept->used = now;
  kept->agents.push_back(std::move(agent));
  ++size_;
  if (kept->agents.size() > limits_.agents_of_target) {
    kept->agents.front().end();
    kept->agents.erase(kept->agents.begin());
    --size_;
  }
  if (size_ > limits_.agents) end_oldest();
  schedule(now + limits_.idle_time);
}

AgentPool::Kept* AgentPool::keep_target(const Target& target) {
  const auto found = targets_.find(target.pid());
  // Of one that is watched, the end will be heard.
  if (found != targets_.end() && found->second.target.pidfd() == target.pidfd()) return &found->second;
  if (target.has_ended()) return nullptr;
  // Another descriptor of the same process; or of the one that its number was given to after it.
  if (found != targets_.end() && !found->second.target.has_ended()) return &found->second;
  remove_target(target.pid());
  const auto kept = targets_.try_emplace(target.pid(), target, executor_).first;
  if (watch(kept->second)) return &kept->second;
  targets_.erase(kept);
  return nullptr;
}

bool AgentPool::watch(Kept& kept) {
  boost::system::error_code refused;
  kept.ended.assign(kept.target.pidfd(), refused);
  if (refused) return false;
  kept.ended.async_wait(
      boost::asio::posix::descriptor_base::wait_read,
      [this, alive = std::weak_ptr(alive_), pid = kept.target.pid()](const boost::system::error_code& error) {
        if (!error && !alive.expired()) remove_target(pid);
      });
  return true;
}

void AgentPool::end_oldest() {
  const auto idle_since = [](const auto& kept) {
    const auto& agents = kept.second.agents;
    return agents.empty() ? Clock::time_point::max() : agents.front().idle_since;
  };
  auto& agents = std::min_element(targets_.begin(), targets_.end(), [&](const auto& left, const auto& right) {
                   return idle_since(left) < idle_since(right);
                 })->second.agents;
  agents.front().end();
  agents.erase(agents.begin());
  --size_;
}

void AgentPool::on_stirred(pid_t target, const WatchedChild* process) {
  const auto kept = targets_.find(target);
  if (kept == targets_.end()) return;
  auto& agents = kept->second.agents;
  const auto found = std::find_if(agents.begin(), agents.end(),
                                  [&](const WarmAgent& agent) { return agent.process.get() == process; });
  if (found == agents.end()) return;
  found->end();
  agents.erase(found);
  --size_;
}

void AgentPool::remove_target(pid_t target) {
  auto node = targets_.extract(target);
  if (node.empty()) return;
  size_ -= node.mapped().agents.size();
  for (const WarmAgent& agent : node.mapped().agents) agent.end();
}

void AgentPool::schedule(Clock::time_point when) {
  // Not anew for every event: it looks when the first may have been idle for long enough.
  if (std::exchange(scheduled_, true)) return;
  timer_.expires_at(when);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired()) return;
    scheduled_ = false;
    sweep();
  });
}

void AgentPool::sweep() {
  const auto now = Clock::now();
  const auto too_old = now - limits_.idle_time;
  auto oldest = now;
  std::vector<pid_t> unused;
  for (auto& [pid, kept] : targets_) {
    const auto first_fresh = std::find_if(kept.agents.begin(), kept.agents.end(),
                                          [&](const WarmAgent& agent) { return agent.idle_since > too_old; });
    size_ -= static_cast<std::size_t>(first_fresh - kept.agents.begin());
    for (auto agent = kept.agents.begin(); agent != first_fresh; ++agent) agent->end();
    kept.agents.erase(kept.agents.begin(), first_fresh);
    const auto since = kept.agents.empty() ? kept.used : kept.agents.front().idle_since;
    if (since <= too_old) {
      unused.push_back(pid);
    } else {
      oldest = std::min(oldest, since);
    }
  }
  for (const pid_t pid : unused) remove_target(pid);
  if (!targets_.empty()) schedule(oldest + limits_.idle_time);
}

void AgentPool::clear() {
  while (!targets_.empty()) remove_target(targets_.begin()->first);
  timer_.cancel();
}

}  // namespace nsenterd::service
