#include "daemon/event_interface.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "daemon/failure_reply.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/open_metrics.hpp"
#include "daemon/opened_files.hpp"
#include "daemon/user_namespace.hpp"
#include "wire/text_writer.hpp"

namespace nsenterd::daemon {
namespace {

using wire::Json;

/// Appends the response, or all of them, as members of the reply, and gives up the descriptor that goes with one.
std::vector<base::ForeignFd> append_responses(std::string& text, ClientEvent& client) {
  NSenterEvent& event = client.event;
  text.append(R"("response":)").append(event.response_text());
  if (!event.parameters().following_requests.empty()) {
    text += R"(,"followingResponses":[)";
    const char* separator = "";
    for (const std::string& response : event.following_response_texts()) {
      text.append(std::exchange(separator, ",")).append(response);
    }
    text += ']';
  }
  std::vector<base::ForeignFd> descriptors;
  if (event.descriptor() >= 0) {
    descriptors.emplace_back(event.release_descriptor());
    client.descriptor_is_given = true;
  }
  return descriptors;
}

void no_such_event(varlink::Call& call, const std::string& name) {
  call.error("io.nsenterd.NoSuchEvent", {{"event", name}});
}

Result<Target> pin_pidfd(base::ForeignFd pidfd) {
  auto target = Target::from_pidfd(pidfd.get());
  // Now that it is known what it is, it is closed at once.
  if (target) UniqueFd(pidfd.release()).reset();
  const bool is_wrong = target.has_error() && std::holds_alternative<InvalidParameter>(target.error());
  return is_wrong ? Failure(InvalidParameter{"pidFileDescriptor"}) : std::move(target);
}

Result<pid_t> own_number(const base::Result<const PidTranslation*>& pids, pid_t number) {
  if (!pids && pids.error().error == ESRCH) return Failure(InvalidParameter{"pid"});
  if (!pids) return Failure(JoinFailed{std::string(pids.error().step), pids.error().error});
  const auto pid = (*pids)->from_peer(number);
  if (!pid) return Failure(NoSuchTarget{});
  return *pid;
}

}  // namespace

EventInterface::EventInterface(NSenterService& service, const AccessRules& access, const EventLimits& limits,
                               std::function<std::size_t()> clients, Audit& audit)
    : service_(service),
      access_(access),
      limits_(limits),
      clients_(std::move(clients)),
      audit_(audit),
      events_([this](const ClientEvent& event) { followers_.changed(event); }) {}

varlink::Interface EventInterface::describe() {
  return {"io.nsenterd",
          kInterfaceText,
          {{"SendRequest", [this](const auto& call) { send_request(call); }},
           {"TerminateRequest", [this](const auto& call) { terminate_request(call); }},
           {"ReceiveResponse", [this](const auto& call) { receive_response(call); }},
           {"ListEvents", [this](const auto& call) { list_events(call); }},
           {"GetStatistics", [this](const auto& call) { get_statistics(*call); }},
           {"GetMetrics", [this](const auto& call) { get_metrics(*call); }}}};
}

void EventInterface::send_request(const CallPtr& call) {
  auto parameters = decode_send_request(call->parameters());
  if (!parameters) return call->invalid_parameter(parameters.error().name);
  const auto decoded = Statistics::Clock::now();
  Audit::Checking checking(audit_, *call, parameters->request);
  if (draining_) return reply_failure(*call, Overloaded{"draining"});
  if (events_.count_of_user(call->peer().uid) >= limits_.events_of_user) {
    return reply_failure(*call, Overloaded{"eventsOfUser"});
  }
  auto target = find_target(*call, *parameters);
  if (!target) return;
  const auto checked = check_access(call->peer(), *parameters, *target, checking);
  if (!checked) return reply_failure(*call, checked.error());
  start(call, *parameters, std::move(*target), decoded);
}

std::optional<std::variant<pid_t, Target>> EventInterface::find_target(
    varlink::Call& call, const SendRequestParameters& parameters) {
  const auto answer = [&call](auto found) -> std::optional<std::variant<pid_t, Target>> {
    if (found) return std::move(*found);
    reply_failure(call, found.error());
    return std::nullopt;
  };
  // The replies tell the agent's number, however the target is given.
  const auto pids = pids_.of(call.peer());
  if (parameters.pid_descriptor) return answer(pin_pidfd(call.take_descriptor(*parameters.pid_descriptor)));
  if (parameters.pid) return answer(own_number(pids, *parameters.pid));
  // None: what is to be joined has been opened.
  if (!parameters.target_event) return 0;
  const auto event = events_.find(*parameters.target_event, call.peer().uid);
  if (event) return answer(event->event.agent());
  no_such_event(call, *parameters.target_event);
  return std::nullopt;
}

Result<void> EventInterface::check_access(const varlink::Peer& peer, const SendRequestParameters& parameters,
                                          std::variant<pid_t, Target>& target,
                                          Audit::Checking& checking) const {
  // Nothing about a target keeps root from it that the service does not look at.
  if (peer.uid == 0) return {};
  EventFacts facts{.joins_user = parameters.namespaces.contains(Namespace::user),
                   .joins_mnt = parameters.namespaces.contains(Namespace::mnt),
                   .brings_opened = !parameters.namespace_descriptors.kinds().empty() ||
                                    parameters.root_descriptor || parameters.working_directory_descriptor};
  if (const auto* const number = std::get_if<pid_t>(&target); number != nullptr && *number != 0) {
    auto opened = Target::open(*number);
    if (!opened) return opened.error();
    target = std::move(*opened);
  }
  // The process may move to other namespaces later, but never up to another user namespace than those below its own.
  if (const auto* const pinned = std::get_if<Target>(&target)) {
    auto found = look_at_user_namespace(*pinned);
    if (!found) return found.error();
    facts.target_is_hosts = found->is_hosts;
    facts.target_knows_hosts_root = found->knows_hosts_root;
    facts.target_owners = std::move(found->owners);
  }
  const Decision decision = decide(access_, peer, &facts);
  if (decision == Decision::allowed) return {};
  checking.set_reason(decision);
  return Failure(Denied{});
}

void EventInterface::start(const CallPtr& call, SendRequestParameters& parameters,
                           std::variant<pid_t, Target> target, Statistics::Clock::time_point decoded) {
  EventParameters event;
  // Closed at the end of this, when the event has been sent.
  const auto opened = take_opened_files(*call, parameters, event);
  if (!opened) return reply_failure(*call, opened.error());
  event.target = std::move(target);
  event.uid = parameters.uid;
  event.gid = parameters.gid;
  event.namespaces = parameters.namespaces;
  event.clone_flags = parameters.clone_flags;
  event.async = parameters.async;
  event.fresh_agent = parameters.fresh_agent;
  event.refuse_host = !access_.allow_host_targets;
  event.refuse_host_mounts = call->peer().uid != 0;
  event.timeout = std::min(parameters.timeout.value_or(limits_.default_timeout), limits_.maximum_timeout);
  event.following_requests = std::move(parameters.following_requests);
  const std::uint64_t number = events_.next_number();
  if (!followers_.empty()) event.on_running = [this, number] { events_.set_running(number); };
  const auto started =
      events_.add(number, service_.new_event(std::move(event), std::move(parameters.request)),
                  call->shared_peer(), parameters.pid, call->times().accepted);
  started->decoded = decoded;
  call->set_subject(started);
  service_.send_request(
      started->event, [this, call, started](const Result<void>& result) { on_sent(call, started, result); });
}

void EventInterface::on_sent(const CallPtr& call, const ClientEventPtr& event, const Result<void>& result) {
  if (!result || !event->event.parameters().async) {
    on_ended(*event, result);
    return give_response(*call, event, result, begin_reply(*event) + ',');
  }
  // Before anybody else who waits for it.
  service_.receive_response(event->event,
                            [this, event](const Result<void>& received) { on_ended(*event, received); });
  const std::string text = begin_reply(*event) + '}';
  if (!call->more()) return call->reply(text);
  call->reply_continues(text);
  service_.receive_response(event->event, [this, call, event](const Result<void>& received) {
    give_response(*call, event, received, begin_reply(*event) + ',');
  });
}

void EventInterface::on_ended(ClientEvent& event, const Result<void>& result) {
  if (!result) audit_.event_failed(event, result.error());
  // What was refused as wrong was no request; its message's name may be anything.
  if (!result.has_error() || !std::holds_alternative<InvalidParameter>(result.error())) {
    counts_.record(event, result);
  }
  if (event.status != EventStatus::terminating) events_.set_status(event, EventStatus::finished);
  check_drained();
}

/// {"event":NAME,"processId":PID, and where the object goes on.
std::string EventInterface::begin_reply(const ClientEvent& event) const {
  std::string text(R"({"event":)");
  wire::append_string(text, event.name);
  const pid_t process_id = pids_.to_peer(*event.owner, event.event.process_id());
  return text.append(R"(,"processId":)").append(std::to_string(process_id));
}

void EventInterface::give_response(varlink::Call& call, const ClientEventPtr& event,
                                   const Result<void>& result, std::string text) {
  // Whoever waits no longer does not receive it.
  if (!call.is_connected()) return;
  // First: a call that was sent ahead may be the next event of its user.
  events_.remove(event);
  // Of those who have waited, one receives the descriptor; to the others its number would mean nothing.
  if (event->descriptor_is_given) return no_such_event(call, event->name);
  if (!result) return reply_failure(call, result.error());
  auto descriptors = append_responses(text, *event);
  const auto encoded = Statistics::Clock::now();
  call.reply(text += '}', std::move(descriptors));
  if (!event->event.parameters().async) counts_.record_steps(call.times(), *event, encoded);
}

void EventInterface::disconnected(const varlink::Peer& peer) {
  followers_.disconnected(peer);
  pids_.disconnected(peer);
  for (const auto& event : events_.of_connection(peer)) {
    events_.set_status(*event, EventStatus::terminating);
    service_.terminate_request(event->event, [this, event](const auto&) { events_.remove(event); });
  }
}

ClientEventPtr EventInterface::find_event(varlink::Call& call) const {
  const auto name = decode_event_name(call.parameters());
  if (!name) {
    call.invalid_parameter(name.error().name);
    return nullptr;
  }
  auto event = events_.find(*name, call.peer().uid);
  if (!event) no_such_event(call, *name);
  return event;
}

void EventInterface::receive_response(const CallPtr& call) {
  const auto event = find_event(*call);
  if (!event) return;
  service_.receive_response(event->event, [this, call, event](const Result<void>& result) {
    give_response(*call, event, result, "{");
  });
}

void EventInterface::terminate_request(const CallPtr& call) {
  const auto name = decode_event_name(call->parameters());
  if (!name) return call->invalid_parameter(name.error().name);
  const auto event = events_.find(*name, call->peer().uid);
  if (!event) {
    // One that has ended has no name any more, but that it had one can be seen.
    if (events_.was_issued(*name)) return call->reply();
    return no_such_event(*call, *name);
  }
  events_.set_status(*event, EventStatus::terminating);
  service_.terminate_request(event->event, [this, call, event](const auto&) {
    events_.remove(event);
    call->reply();
  });
}

void EventInterface::list_events(const CallPtr& call) {
  if (!call->expect_no_parameters()) return;
  static_cast<void>(pids_.of(call->peer()));
  followers_.list(call, events_.of_user(call->peer().uid));
}

void EventInterface::get_statistics(varlink::Call& call) {
  if (!call.expect_no_parameters()) return;
  // Others are not told whom somebody else acts in.
  Json targets = call.peer().uid == 0 ? counts_.targets(pids_, call.peer()) : Json::array();
  std::string text;
  wire::append_json(text, {{"uptimeSeconds", counts_.statistics().uptime().count()},
                           {"agentsRunning", service_.events_running()},
                           {"agentsWarm", service_.agents_warm()},
                           {"agentsStuck", service_.agents_stuck()},
                           {"clients", clients_()},
                           {"messages", counts_.messages()},
                           {"steps", counts_.steps()},
                           {"targets", std::move(targets)}});
  call.reply(text);
}

std::string EventInterface::metrics(MetricsFormat format) const {
  return metrics_text(format, counts_.statistics(), audit_.refusals(),
                      {.events_running = service_.events_running(),
                       .agents_warm = service_.agents_warm(),
                       .agents_stuck = service_.agents_stuck(),
                       .connections = clients_(),
                       .fork_server_restarts = audit_.fork_server_restarts(),
                       .records_dropped = audit_.log().dropped(),
                       .records_suppressed = audit_.log().suppressed()});
}

void EventInterface::get_metrics(varlink::Call& call) const {
  if (!call.expect_no_parameters()) return;
  std::string text(R"({"text":)");
  wire::append_string(text, metrics(MetricsFormat::open_metrics));
  call.reply(text += '}');
}

void EventInterface::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  followers_.end();
  check_drained();
}

void EventInterface::check_drained() {
  if (!drained_ || service_.events_running() > 0) return;
  std::exchange(drained_, nullptr)();
}

}  // namespace nsenterd::daemon
