#include "session.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <boost/asio/io_context.hpp>

#include <nsenterd/service.hpp>

#include "support/processes.hpp"
#include "wire/base64.hpp"

namespace nsenterd::test {

struct Session::Parts {
  boost::asio::io_context context{1};
  std::optional<NSenterService> service;
  pid_t fork_server = 0;
};

std::string outcome_of(const Result<void>& result) {
  return result ? "ok" : to_string(result.error());
}

int Answer::error() const {
  if (outcome != "ok") return -1;
  return response.type == "errorResponse" ? response.payload.at("code").get<int>() : 0;
}

std::string Answer::text() const {
  if (outcome == "ok" && response.type == "errorResponse")
    return response.payload.at("message").get<std::string>();
  return outcome;
}

std::string Answer::bytes() const {
  if (error() != 0 || response.type != "readFileResponse") throw std::runtime_error("no bytes: " + text());
  return wire::decode_base64(response.payload.get<std::string>()).value();
}

Session::Session(std::size_t max_events, const WarmAgentLimits& warm_agents)
    : parts_(std::make_unique<Parts>()) {
  const char* agent = std::getenv("NSENTER_AGENT");
  if (agent == nullptr) throw std::runtime_error("NSENTER_AGENT does not say where the agent is");
  const auto before = agent_processes();
  parts_->service =
      NSenterService::create(parts_->context.get_executor(),
                             {.agent = agent, .max_events = max_events, .warm_agents = warm_agents})
          .value();
  for (const pid_t pid : agent_processes()) {
    if (std::find(before.begin(), before.end(), pid) == before.end()) parts_->fork_server = pid;
  }
}

Session::~Session() = default;

std::size_t Session::agents_warm() const {
  return parts_->service->agents_warm();
}

SentEvent Session::make(EventParameters parameters, Message request) {
  return std::make_shared<Sent>(parts_->service->new_event(std::move(parameters), std::move(request)));
}

// The handlers hold the event weakly: an event whose owner has dropped it is terminated.

void Session::send(const SentEvent& event) {
  parts_->service->send_request(event->event, [weak = std::weak_ptr(event)](const Result<void>& result) {
    if (const auto sent = weak.lock()) sent->sent = outcome_of(result);
  });
}

void Session::receive(const SentEvent& event) {
  parts_->service->receive_response(event->event, [weak = std::weak_ptr(event)](const Result<void>& result) {
    if (const auto sent = weak.lock()) sent->received = outcome_of(result);
  });
}

void Session::terminate(const SentEvent& event) {
  parts_->service->terminate_request(event->event, [weak = std::weak_ptr(event)](const Result<void>& result) {
    if (const auto sent = weak.lock()) sent->terminated = outcome_of(result);
  });
}

Answer Session::ask(EventParameters parameters, Message request) {
  const SentEvent event = make(std::move(parameters), std::move(request));
  send(event);
  if (!run_until([&] { return event->sent.has_value(); }))
    throw std::runtime_error("an event was not answered");
  return {*event->sent, event->event.response()};
}

SentEvent Session::hold(EventParameters parameters) {
  parameters.async = true;
  parameters.timeout = std::chrono::minutes(1);
  const SentEvent event = make(std::move(parameters), {"sleepRequest", {{"attr", "60"}}});
  send(event);
  if (!run_until([&] { return event->sent.has_value(); })) throw std::runtime_error("an agent did not start");
  if (*event->sent != "ok") throw std::runtime_error(*event->sent);
  return event;
}

bool Session::run_until(const std::function<bool()>& predicate, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    parts_->context.restart();
    parts_->context.run_one_for(std::chrono::milliseconds(5));
  }
  return true;
}

void Session::run_for(std::chrono::milliseconds duration) {
  run_until([] { return false; }, duration);
}

pid_t Session::fork_server() const {
  return parts_->fork_server;
}
std::size_t Session::events_running() const {
  return parts_->service->events_running();
}
void Session::destroy_service() {
  parts_->service.reset();
}

std::vector<pid_t> agent_processes() {
  return own_children_named("nsenter-agent");
}

bool settles(Session& session, std::chrono::milliseconds limit) {
  return session.run_until([&] { return session.events_running() == 0 && agent_processes().size() == 1; },
                           limit);
}

EventParameters inside(const Container& container) {
  return {.target = container.pid(), .namespaces = Namespaces::all()};
}

}  // namespace nsenterd::test
