#include "daemon/event_interface.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "daemon/failure_reply.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/pid_translation.hpp"
#include "wire/message.hpp"
#include "wire/text_writer.hpp"

namespace nsenterd::daemon {
namespace {

/// A synchronous event and the call that waits for it.
struct Running {
  std::string name;
  NSenterEvent event;
  std::shared_ptr<varlink::Call> call;
  // Nothing where the caller's pid namespace cannot be told.
  std::optional<PidTranslation> pids;
};

void reply_response(Running& running) {
  std::string text(R"({"event":)");
  wire::append_string(text, running.name);
  const pid_t process_id = running.pids ? running.pids->to_peer(running.event.process_id()) : 0;
  text.append(R"(,"processId":)").append(std::to_string(process_id)).append(R"(,"response":)");
  std::vector<base::ForeignFd> descriptors;
  if (running.event.descriptor() >= 0) {
    // To the client the number means nothing; it is told which one of those that come along it is.
    Message response = running.event.response();
    response.payload["fd"] = 0;
    std::string payload;
    wire::append_json(payload, response.payload);
    text += wire::join_message(response.type, payload);
    descriptors.emplace_back(running.event.release_descriptor());
  } else {
    text += running.event.response_text();
  }
  running.call->reply(text += '}', std::move(descriptors));
}

}  // namespace

varlink::Interface EventInterface::describe() {
  return {"io.nsenterd",
          kInterfaceText,
          {{"SendRequest", [this](const auto& call) { send_request(call); }},
           {"TerminateRequest", {}},
           {"ReceiveResponse", {}},
           {"ListEvents", {}},
           {"GetStatistics", {}}}};
}

void EventInterface::send_request(const std::shared_ptr<varlink::Call>& call) {
  auto parameters = decode_send_request(call->parameters());
  if (!parameters) return call->invalid_parameter(parameters.error().name);
  if (parameters->async) {
    return call->error("org.varlink.service.MethodNotImplemented", {{"method", call->method()}});
  }
  auto pids = PidTranslation::for_peer(call->peer());
  auto target = pin_target(*call, *parameters, pids);
  if (!target) return reply_failure(*call, target.error());
  const auto is_host = host_.is_host_process(*target);
  if (!is_host) return reply_failure(*call, is_host.error());
  if (*is_host) return call->error("org.varlink.service.PermissionDenied");
  start(call, std::move(*parameters), std::move(*target), std::move(pids));
}

Result<Target> EventInterface::pin_target(varlink::Call& call, const SendRequestParameters& parameters,
                                          const std::optional<PidTranslation>& pids) {
  if (parameters.pid_descriptor) {
    base::ForeignFd pidfd = call.take_descriptor(*parameters.pid_descriptor);
    auto target = Target::from_pidfd(pidfd.get());
    // Now that it is known what it is, it is closed at once.
    if (target) base::UniqueFd(pidfd.release()).reset();
    const bool invalid = target.has_error() && std::holds_alternative<InvalidParameter>(target.error());
    return invalid ? Failure(InvalidParameter{"pidFileDescriptor"}) : std::move(target);
  }
  if (!pids) return Failure(InvalidParameter{"pid"});
  const auto pid = pids->from_peer(*parameters.pid);
  if (!pid) return Failure(NoSuchTarget{});
  return Target::open(*pid);
}

void EventInterface::start(const std::shared_ptr<varlink::Call>& call, SendRequestParameters parameters,
                           Target target, std::optional<PidTranslation> pids) {
  EventParameters event;
  event.target = std::move(target);
  event.uid = parameters.uid;
  event.gid = parameters.gid;
  event.namespaces = parameters.namespaces;
  event.clone_flags = parameters.clone_flags;
  event.timeout = std::min(parameters.timeout.value_or(limits_.default_timeout), limits_.maximum_timeout);
  const auto running = std::make_shared<Running>(
      Running{std::to_string(++events_), service_.new_event(std::move(event), std::move(parameters.request)),
              call, std::move(pids)});
  call->on_abandoned([this, weak = std::weak_ptr(running)] {
    if (const auto abandoned = weak.lock()) service_.terminate_request(abandoned->event, [](const auto&) {});
  });
  service_.send_request(running->event, [running](const Result<void>& result) {
    if (result) return reply_response(*running);
    spdlog::debug("event {} failed: {}", running->name, to_string(result.error()));
    reply_failure(*running->call, result.error());
  });
}

}  // namespace nsenterd::daemon
