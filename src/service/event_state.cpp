#include "service/event_state.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include "base/syscalls.hpp"
#include "service/id_map.hpp"
#include "service/target_end.hpp"
#include "wire/credentials.hpp"
#include "wire/message.hpp"

namespace nsenterd::service {
namespace {

/// How long an event that has ended waits for its processes: for one that forks its successor to be done with that,
/// and for one that was killed to be let go by the kernel.
constexpr std::chrono::seconds kReapPatience{1};

}  // namespace

EventState::EventState(std::shared_ptr<ServiceState> service, EventParameters parameters, Message request,
                       Message response)
    : service_(std::move(service)),
      parameters_(std::move(parameters)),
      request_(std::move(request)),
      response_(std::move(response)),
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
  if (auto started = start(*prepared); !started) end(started.error());
}

Result<EventState::Start> EventState::prepare() {
  if (service_->is_shut_down()) return Failure(Terminated{});
  operation_ = operations::find_operation(request_.type);
  if (operation_ == nullptr) return Failure(InvalidParameter{"request.message"});
  auto checked = operation_->check(request_.payload);
  if (!checked) {
    const std::string& field = checked.error().field;
    const char* const separator = field.empty() || field.front() == '[' ? "" : ".";
    return Failure(InvalidParameter{"request.payload" + (separator + field)});
  }
  auto start = plan_join(checked->needs);
  if (start) request_text_ = wire::join_message(request_.type, checked->payload);
  return start;
}

Result<EventState::Start> EventState::plan_join(const operations::PrivateMountNeeds& needs) const {
  const auto created = Namespaces::from_flags(parameters_.clone_flags);
  if (!created) return Failure(InvalidParameter{"cloneFlags"});
  Namespaces joined = parameters_.namespaces;
  // A process inside the container would show the host's mounts.
  if (joined.contains(Namespace::pid) && !joined.contains(Namespace::mnt) &&
      !created->contains(Namespace::mnt)) {
    return Failure(InvalidParameter{"namespace"});
  }
  if (parameters_.timeout <= std::chrono::milliseconds::zero())
    return Failure(InvalidParameter{"timeoutMilliseconds"});

  Start start;
  if (const auto* pid = std::get_if<pid_t>(&parameters_.target)) {
    auto target = Target::open(*pid);
    if (!target) return target.error();
    start.target = std::move(*target);
  } else {
    start.target = std::get<Target>(parameters_.target);
  }
  if (joined.contains(Namespace::user)) {
    const std::string file = "/proc/" + std::to_string(start.target->pid()) + "/ns/user";
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ESRCH) return Failure(NoSuchTarget{});
      return Failure(JoinFailed{"stat user", errno});
    }
    if (service_->is_own_user_namespace(status)) joined.erase(Namespace::user);
  }
  if (operation_->takes_personality && joined.contains(Namespace::user)) {
    if (auto mapped = check_ids_are_mapped(*start.target); !mapped) return mapped.error();
  }
  // Looked up by its number above, which may be another's by now; and where nothing is left to join, nobody else
  // would notice that it has ended.
  pollfd ended{start.target->pidfd(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) return Failure(NoSuchTarget{});
  start.plan = {.join = joined.flags(),
                .create = created->flags(),
                .private_procfs = needs.procfs,
                .private_sysfs = needs.sysfs};
  // The process that would make the procfs is outside the target's pid namespace then, so it would be the host's.
  if (needs.procfs && nsjoin::joins_pid_late(start.plan)) return Failure(InvalidParameter{"cloneFlags"});
  return start;
}

Result<void> EventState::check_ids_are_mapped(const Target& target) const {
  const auto check = [&](const std::optional<std::uint32_t>& id, const char* map,
                         const char* parameter) -> Result<void> {
    if (!id) return {};
    const auto mapped = is_mapped(target.pid(), map, *id);
    if (!mapped && (mapped.error().error == ENOENT || mapped.error().error == ESRCH))
      return Failure(NoSuchTarget{});
    if (!mapped)
      return Failure(JoinFailed{std::string(mapped.error().step) + " " + map, mapped.error().error});
    if (!*mapped) return Failure(InvalidParameter{parameter});
    return {};
  };
  auto checked = check(parameters_.uid, "uid_map", "uid");
  return checked ? check(parameters_.gid, "gid_map", "gid") : checked;
}

Result<void> EventState::start(const Start& start) {
  target_ = start.target;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Failure(JoinFailed{"socketpair", errno});
  }
  const std::weak_ptr<EventState> self = weak_from_this();
  const base::UniqueFd agent_end(ends[1]);
  channel_ = std::make_shared<AgentChannel>(service_->executor(), [self] {
    if (const auto event = self.lock()) event->on_frames();
  });
  if (const auto opened = channel_->open(base::UniqueFd(ends[0])); !opened) {
    return Failure(JoinFailed{std::string(opened.error().step), opened.error().error});
  }

  timer_.expires_after(parameters_.timeout);
  timer_.async_wait([self](const boost::system::error_code& error) {
    const auto event = self.lock();
    if (!error && event) event->end(Failure(TimedOut{}));
  });

  spawning_ = true;
  forks_to_come_ = nsjoin::later_forks(start.plan);
  const int target = start.plan.join != 0 ? start.target->pidfd() : -1;
  // The event lives until the fork server has answered, so that what it forked is never without an owner.
  service_->spawner().spawn(
      start.plan, agent_end.get(), target,
      [event = shared_from_this()](Spawner::Outcome outcome) { event->on_spawned(std::move(outcome)); });
  return {};
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
  if (fork == 1) group_ = pid;
  // First, because the process may be waiting for it by now.
  if (phase_ == Phase::starting && forks_to_come_ == 0) {
    give_request();
  } else if (phase_ == Phase::starting && fork == 1) {
    channel_->send(wire::FrameKind::proceed, {});
  }
  processes_.at(static_cast<std::size_t>(fork) - 1) = service_->reaper().watch(
      std::move(process),
      [event = shared_from_this(), fork](const auto& status) { event->on_child_ended(status, fork); });
  if (forks_to_come_ > 0) {
    // Too late, but it has not begun. One that comes later is let finish.
    if (phase_ == Phase::ended && fork == 1) let_go();
    return;
  }
  if (phase_ != Phase::starting) return let_go();
  process_id_ = pid;
  phase_ = Phase::running;
  if (parameters_.on_running) boost::asio::post(service_->executor(), parameters_.on_running);
}

/// Only now: an agent that the service holds no pidfd of never gets anything to do.
void EventState::give_request() {
  const wire::Credentials credentials{parameters_.uid, parameters_.gid};
  if (operation_->takes_personality && (credentials.uid || credentials.gid)) {
    if (!channel_->send_credentials(credentials)) {
      return end(Failure(JoinFailed{"send credentials", errno}));
    }
  }
  channel_->send(parameters_.async ? wire::FrameKind::request_async : wire::FrameKind::request,
                 request_text_);
  request_text_ = {};
}

void EventState::on_child_ended(const base::ExitStatus& status, int fork) {
  // What it said before it ended may not have been read yet: its response, or that it forked the next one.
  on_frames();
  if (fork == forks_done_) {
    end(Failure(AgentDied{status.signal, status.status}));
    let_go();
    if (forks_to_come_ > 0) reap_strays();
  }
  --children_;
  check_gone();
}

/// A process of the container may kill one of ours between its fork and the report of it.
void EventState::reap_strays() {
  ++children_;
  service_->reaper().reap_group(group_, [event = shared_from_this()] {
    --event->children_;
    event->check_gone();
  });
}

void EventState::on_frames() {
  while (channel_) {
    auto frame = channel_->receive();
    if (!frame) return;
    // Of an event that has ended, only what processes there are still matters.
    if (!outcome_ || frame->kind == wire::FrameKind::forked) on_frame(std::move(*frame));
  }
}

void EventState::on_frame(Frame frame) {
  switch (frame.kind) {
    case wire::FrameKind::response: return on_response(std::move(frame));
    case wire::FrameKind::join_failed: return on_join_failed(frame.body);
    case wire::FrameKind::forked: return on_forked(std::move(frame.descriptor));
    case wire::FrameKind::started:
      if (Handler sent = std::exchange(sent_, nullptr)) complete_later(std::move(sent), {});
      return;
    default: return end(Failure(AgentDied{}));
  }
}

void EventState::on_forked(base::ForeignFd descriptor) {
  if (forks_to_come_ == 0 || !base::is_pidfd(descriptor.get())) return end(Failure(AgentDied{}));
  base::UniqueFd pidfd(descriptor.release());
  auto target = Target::from_pidfd(pidfd.get());
  // Without a number (it ended already) the process is still to be reaped.
  base::ChildProcess process(target ? target->pid() : 0, std::move(pidfd));
  if (!process.is_own()) {
    process.abandon();
    return end(Failure(AgentDied{}));
  }
  --forks_to_come_;
  adopt(std::move(process));
}

Failure EventState::failure_of(const nsjoin::StepFailure& failure) const {
  // The target ended between being pinned and being joined. There are other ways to hear of it: a pid namespace whose process 1
  // is ending is out of memory for another (pid_namespaces(7)).
  const bool is_gone = failure.step == nsjoin::Step::setns && failure.error == ESRCH;
  if (is_gone || (target_ && has_left(*target_))) return NoSuchTarget{};
  return JoinFailed{nsjoin::step_name(failure), failure.error};
}

void EventState::on_join_failed(const std::string& body) {
  nsjoin::StepFailure failure;
  if (body.size() != sizeof failure) return end(Failure(AgentDied{}));
  std::memcpy(&failure, body.data(), sizeof failure);
  end(failure_of(failure));
}

void EventState::on_response(Frame frame) {
  const auto parts = wire::split_message(frame.body);
  if (!parts) return end(Failure(AgentDied{}));
  const bool failed = parts->type == operations::kErrorResponse;
  if (!failed && parts->type != operation_->response) return end(Failure(AgentDied{}));
  const bool understood =
      failed ? operations::is_error_response(parts->payload) : operation_->is_response(parts->payload);
  const bool with_descriptor = !failed && operation_->answers_with_descriptor;
  if (!understood || with_descriptor != static_cast<bool>(frame.descriptor)) return end(Failure(AgentDied{}));
  response_text_ = std::move(frame.body);
  response_is_parsed_ = false;
  if (with_descriptor) {
    descriptor_ = std::move(frame.descriptor);
    std::string payload;
    wire::append_json(payload, operations::opened_file_payload(descriptor_.get()));
    response_text_ = wire::join_message(operation_->response, payload);
  }
  end({});
}

const Message& EventState::response() {
  if (!std::exchange(response_is_parsed_, true)) {
    response_ = wire::message_from_json(wire::parse_json(response_text_).value()).value();
  }
  return response_;
}

void EventState::end(const Result<void>& outcome) {
  if (outcome_ || phase_ == Phase::created) return;
  outcome_ = outcome;
  phase_ = Phase::ended;
  target_.reset();
  limit_patience();
  // A process that is forking its successor is let finish: killed in the middle of it, it could leave one behind that
  // nobody knows of, and nobody reaps.
  if (forks_to_come_ == 0) let_go();
  if (Handler sent = std::exchange(sent_, nullptr)) complete_later(std::move(sent), outcome);
  for (Handler& receiver : std::exchange(receivers_, {})) complete_later(std::move(receiver), outcome);
  service_->leave(shared_from_this());
  check_gone();
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
    ++event->service_->stuck();
    for (Handler& waiting : std::exchange(event->terminators_, {}))
      event->complete_later(std::move(waiting), {});
  });
}

void EventState::check_gone() {
  if (phase_ != Phase::ended || spawning_ || children_ > 0) return;
  phase_ = Phase::gone;
  timer_.cancel();
  if (stuck_) --service_->stuck();
  for (Handler& waiting : std::exchange(terminators_, {})) complete_later(std::move(waiting), {});
}

void EventState::complete_later(Handler handler, Result<void> result) {
  boost::asio::post(service_->executor(),
                    [handler = std::move(handler), result = std::move(result)] { handler(result); });
}

}  // namespace nsenterd::service
