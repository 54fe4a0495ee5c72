#include <nsenterd/service.hpp>

#include "launch/program.hpp"
#include "service/event_state.hpp"
#include "service/message_exchange.hpp"
#include "service/service_state.hpp"

namespace nsenterd {

Result<NSenterService> NSenterService::create(boost::asio::any_io_executor executor,
                                              const ServiceOptions& options) {
  auto program = launch::load_program(options.agent);
  if (!program) return service::start_failure("load agent: ", program.error());
  auto state = service::ServiceState::start(std::move(executor), std::move(*program), options.max_events,
                                            options.warm_agents);
  if (!state) return state.error();
  (*state)->spawner().on_restarted(options.on_fork_server_restarted);
  (*state)->on_stuck(options.on_agent_stuck);
  return NSenterService(std::move(*state));
}

NSenterService::NSenterService(std::shared_ptr<service::ServiceState> state) noexcept
    : state_(std::move(state)) {}

NSenterService& NSenterService::operator=(NSenterService&& other) noexcept {
  if (this != &other) {
    if (state_) state_->shut_down();
    state_ = std::move(other.state_);
  }
  return *this;
}

NSenterService::~NSenterService() {
  if (state_) state_->shut_down();
}

NSenterEvent NSenterService::new_event(pid_t pid, uid_t uid, gid_t gid, Namespaces namespaces,
                                       std::uint64_t clone_flags, Message request, Message response,
                                       bool async) {
  EventParameters parameters;
  parameters.target = pid;
  parameters.uid = uid;
  parameters.gid = gid;
  parameters.namespaces = namespaces;
  parameters.clone_flags = clone_flags;
  parameters.async = async;
  return new_event(std::move(parameters), std::move(request), std::move(response));
}

NSenterEvent NSenterService::new_event(EventParameters parameters, Message request, Message response) {
  auto exchange = std::make_unique<service::MessageExchange>(std::move(parameters), std::move(request),
                                                             std::move(response));
  service::MessageExchange& messages = *exchange;
  return {std::make_shared<service::EventState>(state_, messages.parameters(), std::move(exchange)),
          messages};
}

void NSenterService::start_send(service::EventState& event, Handler handler) {
  event.send(std::move(handler));
}
void NSenterService::start_receive(service::EventState& event, Handler handler) {
  event.receive(std::move(handler));
}
void NSenterService::start_terminate(service::EventState& event, Handler handler) {
  event.terminate(std::move(handler));
}

void NSenterService::set_limits(std::size_t max_events, const WarmAgentLimits& warm_agents) {
  state_->set_limits(max_events, warm_agents);
}

std::size_t NSenterService::events_running() const noexcept {
  return state_->events_running();
}

std::size_t NSenterService::agents_stuck() const noexcept {
  return state_->stuck();
}

std::size_t NSenterService::agents_warm() const noexcept {
  return state_->pool().size();
}

boost::asio::any_io_executor NSenterService::default_executor() const {
  return state_->executor();
}

NSenterEvent::NSenterEvent(std::shared_ptr<service::EventState> state,
                           service::MessageExchange& exchange) noexcept
    : state_(std::move(state)), exchange_(&exchange) {}

NSenterEvent& NSenterEvent::operator=(NSenterEvent&& other) noexcept {
  if (this != &other) {
    if (state_) state_->end(Failure(Terminated{}));
    state_ = std::move(other.state_);
    exchange_ = other.exchange_;
  }
  return *this;
}

NSenterEvent::~NSenterEvent() {
  if (state_) state_->end(Failure(Terminated{}));
}

const EventParameters& NSenterEvent::parameters() const noexcept {
  return exchange_->parameters();
}
const Message& NSenterEvent::request() const noexcept {
  return exchange_->request();
}
void NSenterEvent::set_request(Message request) {
  exchange_->set_request(std::move(request));
}
const Message& NSenterEvent::response() const {
  return exchange_->responses().first();
}
const std::string& NSenterEvent::response_text() const noexcept {
  return exchange_->responses().first_text();
}
const std::vector<Message>& NSenterEvent::following_responses() const {
  return exchange_->responses().following();
}
const std::vector<std::string>& NSenterEvent::following_response_texts() const noexcept {
  return exchange_->responses().following_texts();
}
int NSenterEvent::descriptor() const noexcept {
  return exchange_->responses().descriptor().get();
}
int NSenterEvent::release_descriptor() noexcept {
  return exchange_->responses().descriptor().release();
}
void NSenterEvent::set_response(Message response) {
  exchange_->responses().set_first(std::move(response));
}
pid_t NSenterEvent::process_id() const noexcept {
  return state_->process_id();
}
const EventTimes& NSenterEvent::times() const noexcept {
  return state_->times();
}
Result<Target> NSenterEvent::agent() const {
  return state_->agent();
}

}  // namespace nsenterd
