// What an event gives its agent to do, and what comes back (daemon, or a program that embeds the library).
#pragma once

#include <cstddef>
#include <optional>

#include <nsenterd/failure.hpp>

#include "base/result.hpp"
#include "operations/operation.hpp"
#include "service/agent_channel.hpp"

namespace nsenterd::service {

/// What has to be known of it before there is an agent.
struct ExchangeNeeds {
  operations::PrivateMountNeeds mounts;
  /// Whether it acts on behalf of the caller's ids, which changes the agent for good.
  bool takes_personality = false;
  /// Whether it changes nothing, so that it may begin before it is clear where the agent is.
  bool only_reads = false;
  /// Whether the agent forks processes that are this process's children.
  bool forks = false;
  /// Whether what runs is not of this project: its output is kept apart, and what it leaves behind in its process group is killed.
  bool is_foreign = false;
};

class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  /// Finds out whether it can be asked for at all.
  virtual Result<ExchangeNeeds> check() = 0;
  /// Gives it to the agent. EPIPE, or ECONNRESET, if that is seen to be gone; its exit says more.
  virtual base::Result<void> give(AgentChannel& channel) = 0;
  /// It has been given to the agent that it stays with: nobody will ask for it anew.
  virtual void forget_request() {}
  /// The longest body of a frame that may come back, in bytes.
  [[nodiscard]] virtual std::size_t longest_frame() const = 0;
  /// Takes up what the agent says. Nothing while there is more to come; otherwise the outcome.
  virtual std::optional<Result<void>> take(Frame frame) = 0;
  /// Forgets all that has been taken up.
  virtual void clear() = 0;
  /// In bytes, of all that has been said.
  [[nodiscard]] virtual std::size_t size() const = 0;
};

}  // namespace nsenterd::service
