// The life of one event, from its parameters to the end of its agent (daemon, or a program that embeds the
// library).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <nsenterd/event.hpp>

#include "nsjoin/join_plan.hpp"
#include "service/agent_channel.hpp"
#include "service/event_plan.hpp"
#include "service/exchange.hpp"
#include "service/reaper.hpp"
#include "service/service_state.hpp"
#include "service/spawner.hpp"

namespace nsenterd::service {

class EventState : public std::enable_shared_from_this<EventState> {
 public:
  using Handler = std::function<void(Result<void>)>;

  /// created → starting → running → ended → gone; from starting straight to ended, too. docs/events.md has it all.
  enum class Phase {
    /// Not sent yet.
    created,
    /// Sent to the fork server; the agent, which may take several forks, is not there yet.
    starting,
    /// The agent is there and has been given the request.
    running,
    /// The outcome is known; processes of the event may still have to be reaped.
    ended,
    /// Nothing is left of it.
    gone,
  };

  /// The parameters may be the exchange's: the event owns that.
  EventState(std::shared_ptr<ServiceState> service, const EventParameters& parameters,
             std::unique_ptr<Exchange> exchange);

  [[nodiscard]] pid_t process_id() const noexcept { return process_id_; }
  [[nodiscard]] const EventTimes& times() const noexcept { return times_; }
  [[nodiscard]] Result<Target> agent() const;

  // Handlers are called from the event loop, never from within these.
  void send(Handler handler);
  void receive(Handler handler);
  void terminate(Handler handler);
  /// Ends the event with this outcome, unless it has ended.
  void end(const Result<void>& outcome);

 private:
  Result<EventPlan> prepare();
  Result<void> begin();
  /// Starts an agent.
  Result<void> start();
  /// Takes an agent that has served others, for what they did; nothing if there is none.
  std::optional<WarmAgent> take_agent();
  /// Gives the request to such an agent. False if it is seen to be gone; nothing is left of it then.
  bool resume(const WarmAgent& agent);
  /// The agent that was given the request is this event's from now on.
  void go_on_with(const WarmAgent& agent);
  /// Ends an agent that was taken, whatever it was given: it is not what this event needs.
  void turn_away(const WarmAgent& agent);
  void set_deadline();

  void on_spawned(Spawner::Outcome outcome);
  void adopt(base::ChildProcess process);
  void on_child_ended(const base::ExitStatus& status, int fork);
  /// Hears what an agent says, for as long as the event is there.
  AgentChannel::Handler frame_handler();
  void on_frames();
  void on_frame(Frame frame);
  /// What was said is nothing that an agent says: whoever said it could go on for ever, so nobody listens any more.
  void distrust();
  void on_started(const Frame& frame);
  void on_forked(Frame frame);
  void on_join_failed(const std::string& body);
  [[nodiscard]] Failure failure_of(const nsjoin::StepFailure& failure) const;
  void on_said(Frame frame);
  void on_agent_running(pid_t pid);
  base::Result<void> give();
  /// Leaves the agent, which has answered, to other events.
  void hand_over();
  void reap_strays();
  /// What end() does but for calling the handlers of those who wait for the outcome: it returns them.
  std::vector<Handler> settle(const Result<void>& outcome);
  /// Closes the socket and kills the processes of the event that are known.
  void let_go();
  /// Once the event has ended: when its processes do not, lets go, tells those who wait for that so, and counts them.
  void limit_patience();
  void check_gone();
  void complete_later(Handler handler, Result<void> result);

  std::shared_ptr<ServiceState> service_;
  std::unique_ptr<Exchange> exchange_;
  ExchangeNeeds needs_;
  const EventParameters& parameters_;
  pid_t process_id_ = 0;

  Phase phase_ = Phase::created;
  std::optional<Result<void>> outcome_;
  // Who waits for the agent to run, for the response, for the end of the last process.
  Handler sent_;
  std::vector<Handler> receivers_;
  std::vector<Handler> terminators_;

  // While the event is under way.
  EventPlan plan_;
  EventTimes times_;
  std::chrono::steady_clock::time_point agent_born_;
  // Of an agent that has served others.
  NamespaceIds agent_namespaces_;
  int forks_to_come_ = 0;
  int forks_done_ = 0;
  // The process group that the first of several forks leads, or, once it is there, the agent that forks.
  pid_t group_ = 0;
  bool spawning_ = false;
  bool stuck_ = false;
  std::size_t children_ = 0;
  std::shared_ptr<AgentChannel> channel_;
  // In the order of their forks; the last is the agent, or will fork it.
  std::array<std::weak_ptr<WatchedChild>, nsjoin::kMaxLaterForks + 1> processes_;
  boost::asio::steady_timer timer_;
};

}  // namespace nsenterd::service
