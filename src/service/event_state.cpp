#include "service/event_state.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include "base/syscalls.hpp"

namespace nsenterd::service {
namespace {

using Clock = EventTimes::Clock;

/// How long an event that has ended waits for its processes: for one that forks its successor to be done with that,
/// and for one that was killed to be let go by the kernel.
constexpr std::chrono::seconds kReapPatience{1};

/// An agent that has carried longer messages has grown by so much that it is not kept.
constexpr std::size_t kMostKept = 1U << 20U;

}  // namespace

EventState::EventState(std::shared_ptr<ServiceState> service, const EventParameters& parameters,
                       std::unique_ptr<Exchange> exchange)
    : service_(std::move(service)),
      exchange_(std::move(exchange)),
      parameters_(parameters),
      timer_(service_->executor()) {}

void EventState::send(Handler handler) {
  if (phase_ != Phase::created) return complete_later(std::move(handler), Failure(InvalidParameter{"event"}));
  auto prepared = prepare();
  if (!prepared) return complete_later(std::move(handler), prepared.error());
  if (!service_->enter(shared_from_this())) {
    return complete_later(std::move(handler), Failure(Overloaded{"events"}));
  }
  (parameters_.async ? sent_ : receivers_.emplace_back()) = std::move(handler);
  phase_ = Phase::starting;
  plan_ = std::move(*prepared);
  if (auto begun = begin(); !begun) end(begun.error());
}

Result<void> EventState::begin() {
  times_.checked = Clock::now();
  auto agent = take_agent();
  // What only reads begins while the target is looked at: what the agent answers counts only if it is where the target is.
  const bool reads = needs_.only_reads;
  if (reads && agent && !resume(*agent)) agent.reset();
  auto found = find_target(plan_, *service_, parameters_, needs_);
  if (!reads || !agent) times_.checked = Clock::now();
  if (agent && (!found || agent->namespaces != plan_.namespaces)) {
    turn_away(*agent);
    agent.reset();
  }
  if (!found) return found;
  set_deadline();
  if (!agent) return start();
  if (!reads && !resume(*agent)) return start();
  go_on_with(*agent);
  return {};
}

Result<EventPlan> EventState::prepare() {
  if (service_->is_shut_down()) return Failure(Terminated{});
  const auto needs = exchange_->check();
  if (!needs) return needs.error();
  needs_ = *needs;
  return plan_event(*service_, parameters_, needs_);
}

Result<void> EventState::start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Failure(JoinFailed{"socketpair", errno});
  }
  const UniqueFd agent_end(ends[1]);
  channel_ =
      std::make_shared<AgentChannel>(service_->executor(), frame_handler(), exchange_->longest_frame());
  if (const auto opened = channel_->open(UniqueFd(ends[0])); !opened) {
    return Failure(JoinFailed{std::string(opened.error().step), opened.error().error});
  }

  spawning_ = true;
  forks_to_come_ = nsjoin::later_forks(plan_.join);
  const auto descriptors = descriptors_for(plan_, parameters_, agent_end.get());
  // The event lives until the fork server has answered, so that what it forked is never without an owner.
  service_->spawner().spawn(plan_.join, descriptors, [event = shared_from_this()](Spawner::Outcome outcome) {
    event->on_spawned(std::move(outcome));
  });
  return {};
}

void EventState::set_deadline() {
  timer_.expires_after(parameters_.timeout);
  timer_.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
    const auto event = self.lock();
    if (!error && event) event->end(Failure(TimedOut{}));
  });
}

std::optional<WarmAgent> EventState::take_agent() {
  if (!plan_.may_share_agent) return std::nullopt;
  const auto* const target = std::get_if<Target>(&parameters_.target);
  return service_->pool().take(target != nullptr ? target->pid() : std::get<pid_t>(parameters_.target),
                               plan_.wanted, times_.checked);
}

bool EventState::resume(const WarmAgent& agent) {
  channel_ = agent.channel;
  if (give()) return true;
  turn_away(agent);
  return false;
}

void EventState::turn_away(const WarmAgent& agent) {
  channel_.reset();
  agent.end();
}

void EventState::go_on_with(const WarmAgent& agent) {
  channel_->set_handler(frame_handler());
  agent.process->set_handler(
      [event = shared_from_this()](const auto& status) { event->on_child_ended(status, 1); });
  processes_.front() = agent.process;
  agent_born_ = agent.born;
  agent_namespaces_ = agent.namespaces;
  times_.warm = true;
  forks_done_ = 1;
  children_ = 1;
  on_agent_running(agent.process->pid());
}

void EventState::on_agent_running(pid_t pid) {
  process_id_ = pid;
  phase_ = Phase::running;
  exchange_->forget_request();
  if (parameters_.on_running) boost::asio::post(service_->executor(), parameters_.on_running);
}

void EventState::on_spawned(Spawner::Outcome outcome) {
  spawning_ = false;
  if (auto* process = std::get_if<base::ChildProcess>(&outcome)) {
    adopt(std::move(*process));
    // Only now: what the process says, such as that it forked the next one, would make no sense before.
    if (channel_) channel_->start();
  } else {
    end(failure_of(std::get<nsjoin::StepFailure>(outcome)));
    let_go();
  }
  check_gone();
}

void EventState::adopt(base::ChildProcess process) {
  const pid_t pid = process.pid();
  const int fork = ++forks_done_;
  ++children_;
  // Without a number it would be this process's own group (kill(2)).
  if (pid > 0 && (fork == 1 || forks_to_come_ == 0)) group_ = pid;
  // First, because the process may be waiting for it by now.
  if (phase_ == Phase::starting && forks_to_come_ == 0) {
    const auto given = give();
    // One that is gone says more by its exit.
    if (!given && given.error().error != EPIPE && given.error().error != ECONNRESET) {
      end(Failure(JoinFailed{std::string(given.error().step), given.error().error}));
    }
  } else if (phase_ == Phase::starting && fork == 1) {
    channel_->send(wire::FrameKind::proceed, {});
  }
  const auto watched = service_->reaper().watch(
      std::move(process),
      [event = shared_from_this(), fork](const auto& status) { event->on_child_ended(status, fork); });
  // Those before it led the group that it was forked in.
  if (needs_.is_foreign && forks_to_come_ == 0) watched->set_leads_group();
  processes_.at(static_cast<std::size_t>(fork) - 1) = watched;
  if (forks_to_come_ > 0) {
    // Too late, but it has not begun. One that comes later is let finish.
    if (phase_ == Phase::ended && fork == 1) let_go();
    return;
  }
  if (phase_ != Phase::starting) return let_go();
  agent_born_ = times_.given;
  on_agent_running(pid);
}

/// Only now: an agent that the service holds no pidfd of never gets anything to do.
base::Result<void> EventState::give() {
  auto given = exchange_->give(*channel_);
  if (given) times_.given = Clock::now();
  return given;
}

void EventState::on_child_ended(const base::ExitStatus& status, int fork) {
  // What it said before it ended may not have been read yet: its response, or that it forked the next one.
  plan_.may_share_agent = false;
  on_frames();
  if (fork == forks_done_) {
    end(Failure(AgentDied{status.signal, status.status}));
    let_go();
    if (forks_to_come_ > 0 || needs_.forks) reap_strays();
  }
  --children_;
  check_gone();
}

/// A process of the container may kill one of ours between its fork and the report of it. Of what an agent forks for one of
/// several requests, nothing is reported at all.
void EventState::reap_strays() {
  ++children_;
  service_->reaper().reap_group(group_, [event = shared_from_this()] {
    --event->children_;
    event->check_gone();
  });
}

AgentChannel::Handler EventState::frame_handler() {
  return [self = weak_from_this()] {
    if (const auto event = self.lock()) event->on_frames();
  };
}

void EventState::on_frames() {
  while (channel_) {
    auto frame = channel_->receive();
    if (!frame) return;
    // Of an event that has ended, only what processes there are still matters.
    if (outcome_ && frame->kind != wire::FrameKind::forked) return distrust();
    on_frame(std::move(*frame));
  }
}

void EventState::distrust() {
  end(Failure(AgentDied{}));
  let_go();
}

void EventState::on_frame(Frame frame) {
  switch (frame.kind) {
    case wire::FrameKind::join_failed: return on_join_failed(frame.body);
    case wire::FrameKind::forked: return on_forked(std::move(frame));
    case wire::FrameKind::started: return on_started(frame);
    default: return on_said(std::move(frame));
  }
}

/// Once, of an asynchronous event.
void EventState::on_started(const Frame& frame) {
  if (!sent_ || !frame.body.empty()) return distrust();
  complete_later(std::exchange(sent_, nullptr), {});
}

void EventState::on_forked(Frame frame) {
  if (forks_to_come_ == 0 || frame.descriptors.size() != 1 ||
      !base::is_pidfd(frame.descriptors.front().get())) {
    return distrust();
  }
  UniqueFd pidfd(frame.descriptors.front().release());
  auto target = Target::from_pidfd(pidfd.get());
  // Without a number (it ended already, or there was no descriptor left to ask with) the process is still to be reaped.
  base::ChildProcess process(target ? target->pid() : 0, std::move(pidfd));
  if (!process.is_own()) {
    process.abandon();
    return distrust();
  }
  --forks_to_come_;
  adopt(std::move(process));
}

Failure EventState::failure_of(const nsjoin::StepFailure& failure) const {
  // The target ended between being pinned and being joined. There are other ways to hear of it: a pid namespace whose process 1
  // is ending is out of memory for another (pid_namespaces(7)).
  if (failure.step == nsjoin::Step::setns && failure.error == ESRCH) return NoSuchTarget{};
  const auto left = plan_.target ? plan_.target->namespaces({Namespace::net}) : NamespaceIds();
  if (left.has_error() && std::holds_alternative<NoSuchTarget>(left.error())) return NoSuchTarget{};
  return JoinFailed{nsjoin::step_name(failure), failure.error};
}

void EventState::on_join_failed(const std::string& body) {
  nsjoin::StepFailure failure;
  if (body.size() != sizeof failure) return distrust();
  std::memcpy(&failure, body.data(), sizeof failure);
  end(failure_of(failure));
}

void EventState::on_said(Frame frame) {
  times_.operation += frame.took;
  const auto outcome = exchange_->take(std::move(frame));
  if (!outcome) return;
  if (outcome->has_error()) return end(*outcome);
  times_.answered = Clock::now();
  // Nobody in a container is to say that it took longer than it did.
  times_.operation = std::clamp(times_.operation, std::chrono::nanoseconds::zero(),
                                std::chrono::nanoseconds(times_.answered - times_.given));
  if (plan_.may_share_agent) hand_over();
  // This is the event loop, and nothing follows: handlers need not wait for their turn.
  for (const Handler& waiting : settle({})) waiting({});
}

void EventState::hand_over() {
  const auto process = processes_.front().lock();
  if (!process || exchange_->size() > kMostKept) return;
  processes_.front().reset();
  --children_;
  service_->pool().keep(*plan_.target,
                        {.plan = plan_.wanted,
                         .namespaces = agent_namespaces_,
                         .channel = std::move(channel_),
                         .process = process,
                         .born = agent_born_},
                        times_.answered);
}

void EventState::end(const Result<void>& outcome) {
  for (Handler& waiting : settle(outcome)) complete_later(std::move(waiting), outcome);
}

std::vector<EventState::Handler> EventState::settle(const Result<void>& outcome) {
  if (outcome_ || phase_ == Phase::created) return {};
  outcome_ = outcome;
  phase_ = Phase::ended;
  plan_.target.reset();
  if (outcome_->has_error()) exchange_->clear();
  // A process that is forking its successor is let finish: killed in the middle of it, it could leave one behind that
  // nobody knows of, and nobody reaps.
  if (forks_to_come_ == 0) let_go();
  auto waiting = std::exchange(receivers_, {});
  if (sent_) waiting.insert(waiting.begin(), std::exchange(sent_, nullptr));
  service_->leave(shared_from_this());
  check_gone();
  if (phase_ == Phase::ended) limit_patience();
  return waiting;
}

void EventState::receive(Handler handler) {
  if (outcome_) return complete_later(std::move(handler), *outcome_);
  if (phase_ == Phase::created) return complete_later(std::move(handler), Failure(InvalidParameter{"event"}));
  receivers_.push_back(std::move(handler));
}

void EventState::terminate(Handler handler) {
  end(Failure(Terminated{}));
  if (phase_ != Phase::ended || stuck_) return complete_later(std::move(handler), {});
  terminators_.push_back(std::move(handler));
}

Result<Target> EventState::agent() const {
  if (phase_ != Phase::running) return Failure(NoSuchTarget{});
  const auto agent = processes_.at(static_cast<std::size_t>(forks_done_) - 1).lock();
  if (!agent) return Failure(NoSuchTarget{});
  return Target::from_pidfd(agent->pidfd());
}

void EventState::let_go() {
  if (channel_) channel_->close();
  channel_.reset();
  // The last first: it waits for the one before it to end, and would begin its work then.
  for (std::size_t i = processes_.size(); i-- > 0;) {
    if (const auto process = processes_.at(i).lock()) process->kill();
  }
}

void EventState::limit_patience() {
  timer_.expires_after(kReapPatience);
  timer_.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
    const auto event = self.lock();
    if (error || !event || event->phase_ != Phase::ended) return;
    event->let_go();
    event->stuck_ = true;
    event->service_->add_stuck(event->process_id_);
    for (Handler& waiting : std::exchange(event->terminators_, {}))
      event->complete_later(std::move(waiting), {});
  });
}

void EventState::check_gone() {
  if (phase_ != Phase::ended || spawning_ || children_ > 0) return;
  phase_ = Phase::gone;
  timer_.cancel();
  if (stuck_) service_->remove_stuck();
  for (Handler& waiting : std::exchange(terminators_, {})) complete_later(std::move(waiting), {});
}

void EventState::complete_later(Handler handler, Result<void> result) {
  boost::asio::post(service_->executor(),
                    [handler = std::move(handler), result = std::move(result)] { handler(result); });
}

}  // namespace nsenterd::service
