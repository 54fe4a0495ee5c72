#include "service/service_state.hpp"

#include <chrono>
#include <string>

#include <unistd.h>

#include "launch/fork_server_process.hpp"
#include "service/event_state.hpp"

namespace nsenterd::service {
namespace {

constexpr std::chrono::seconds kStartPatience{5};
constexpr std::chrono::seconds kEndPatience{1};

}  // namespace

Failure start_failure(const char* prefix, const base::SystemError& error) {
  return JoinFailed{std::string(prefix) + std::string(error.step), error.error};
}

Result<std::shared_ptr<ServiceState>> ServiceState::start(boost::asio::any_io_executor executor,
                                                          launch::Program program, std::size_t max_events,
                                                          const WarmAgentLimits& warm_agents) {
  if (const auto kernel = launch::check_kernel(); !kernel)
    return start_failure("kernel lacks ", kernel.error());
  const auto self = Target::open(::getpid());
  constexpr Namespaces kLookedAt{Namespace::user, Namespace::mnt, Namespace::pid, Namespace::net};
  const auto own_namespaces = self ? self->namespaces(kLookedAt) : self.error();
  if (!own_namespaces) return own_namespaces.error();
  auto state = std::make_shared<ServiceState>(std::move(executor), std::move(program), max_events,
                                              warm_agents, *own_namespaces);
  if (const auto started = state->spawner().start(kStartPatience); !started) {
    // Waits for the process that was started, which would otherwise be left as a zombie.
    state->shut_down();
    return start_failure("fork server: ", started.error());
  }
  return state;
}

ServiceState::ServiceState(boost::asio::any_io_executor executor, launch::Program program,
                           std::size_t max_events, const WarmAgentLimits& warm_agents,
                           const NamespaceIds& own_namespaces)
    : executor_(std::move(executor)),
      max_events_(max_events),
      own_namespaces_(own_namespaces),
      reaper_(executor_),
      spawner_(executor_, reaper_, std::move(program)),
      pool_(executor_, warm_agents) {}

void ServiceState::set_limits(std::size_t max_events, const WarmAgentLimits& warm_agents) {
  max_events_ = max_events;
  pool_.set_limits(warm_agents);
}

bool ServiceState::enter(std::shared_ptr<EventState> event) {
  if (running_.size() + stuck_ >= max_events_) return false;
  running_.insert(std::move(event));
  return true;
}

void ServiceState::leave(const std::shared_ptr<EventState>& event) {
  running_.erase(event);
}

void ServiceState::add_stuck(pid_t agent) {
  ++stuck_;
  if (on_stuck_) on_stuck_(agent);
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

}  // namespace nsenterd::service
