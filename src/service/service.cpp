#include <unistd.h>

#include <nsenterd/service.hpp>

#include "launch/fork_server_process.hpp"
#include "service/event_state.hpp"
#include "service/service_state.hpp"

namespace nsenterd {
namespace {

constexpr std::chrono::seconds kStartPatience{5};
constexpr std::chrono::seconds kEndPatience{1};

Failure start_failure(const char* prefix, const base::SystemError& error) {
  return JoinFailed{std::string(prefix) + std::string(error.step), error.error};
}

}  // namespace

namespace service {

ServiceState::ServiceState(boost::asio::any_io_executor executor, base::UniqueFd program,
                           const ServiceOptions& options, const NamespaceIds& own_namespaces)
    : executor_(std::move(executor)),
      max_events_(options.max_events),
      own_namespaces_(own_namespaces),
      reaper_(executor_),
      spawner_(executor_, reaper_, std::move(program)),
      pool_(executor_, options.warm_agents) {}

bool ServiceState::enter(std::shared_ptr<EventState> event) {
  if (running_.size() + stuck_ >= max_events_) return false;
  running_.insert(std::move(event));
  return true;
}

void ServiceState::leave(const std::shared_ptr<EventState>& event) {
  running_.erase(event);
}

void ServiceState::shut_down() {
  shut_down_ = true;
  while (!running_.empty()) {
    const auto event = *running_.begin();
    event->end(Failure(Terminated{}));
  }
  pool_.clear();
  spawner_.stop();
  reaper_.end_all(kEndPatience);
}

}  // namespace service

Result<NSenterService> NSenterService::create(boost::asio::any_io_executor executor,
                                              const ServiceOptions& options) {
  if (const auto kernel = launch::check_kernel(); !kernel)
    return start_failure("kernel lacks ", kernel.error());
  auto program = launch::load_program(options.agent);
  if (!program) return start_failure("load agent: ", program.error());
  const auto self = Target::open(::getpid());
  const auto own_namespaces = self ? self->namespaces({Namespace::user, Namespace::mnt}) : self.error();
  if (!own_namespaces) return own_namespaces.error();
  auto state = std::make_shared<service::ServiceState>(std::move(executor), std::move(*program), options,
                                                       *own_namespaces);
  if (const auto started = state->spawner().start(kStartPatience); !started) {
    // Waits for the process that was started, which would otherwise be left as a zombie.
    state->shut_down();
    return start_failure("fork server: ", started.error());
  }
  return NSenterService(std::move(state));
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
  return NSenterEvent(std::make_shared<service::EventState>(state_, std::move(parameters), std::move(request),
                                                            std::move(response)));
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

NSenterEvent::NSenterEvent(std::shared_ptr<service::EventState> state) noexcept : state_(std::move(state)) {}

NSenterEvent& NSenterEvent::operator=(NSenterEvent&& other) noexcept {
  if (this != &other) {
    if (state_) state_->end(Failure(Terminated{}));
    state_ = std::move(other.state_);
  }
  return *this;
}

NSenterEvent::~NSenterEvent() {
  if (state_) state_->end(Failure(Terminated{}));
}

const EventParameters& NSenterEvent::parameters() const noexcept {
  return state_->parameters();
}
const Message& NSenterEvent::request() const noexcept {
  return state_->request();
}
void NSenterEvent::set_request(Message request) {
  state_->set_request(std::move(request));
}
const Message& NSenterEvent::response() const {
  return state_->responses().first();
}
const std::string& NSenterEvent::response_text() const noexcept {
  return state_->responses().first_text();
}
const std::vector<Message>& NSenterEvent::following_responses() const {
  return state_->responses().following();
}
const std::vector<std::string>& NSenterEvent::following_response_texts() const noexcept {
  return state_->responses().following_texts();
}
int NSenterEvent::descriptor() const noexcept {
  return state_->responses().descriptor().get();
}
int NSenterEvent::release_descriptor() noexcept {
  return state_->responses().descriptor().release();
}
void NSenterEvent::set_response(Message response) {
  state_->responses().set_first(std::move(response));
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
