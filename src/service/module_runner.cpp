#include <nsenterd/module_runner.hpp>

#include "module/registry.hpp"
#include "service/event_state.hpp"
#include "service/module_exchange.hpp"
#include "service/service_state.hpp"

namespace nsenterd {

Result<ModuleRunner> ModuleRunner::create(boost::asio::any_io_executor executor,
                                          const ModuleRunnerOptions& options) {
  // Otherwise the program, executed anew, would not stop at init() but do its work once more, inside the namespaces.
  if (!module::is_initialized()) return Failure(InvalidParameter{"init"});
  auto program = launch::load_own_program();
  if (!program) return service::start_failure("load program: ", program.error());
  // What a module leaves of its process is nothing that another run could begin with.
  auto state =
      service::ServiceState::start(std::move(executor), std::move(*program), options.max_runs, {.agents = 0});
  if (!state) return state.error();
  return ModuleRunner(std::move(*state));
}

ModuleRunner::ModuleRunner(std::shared_ptr<service::ServiceState> state) noexcept
    : state_(std::move(state)) {}

ModuleRunner& ModuleRunner::operator=(ModuleRunner&& other) noexcept {
  if (this != &other) {
    if (state_) state_->shut_down();
    state_ = std::move(other.state_);
  }
  return *this;
}

ModuleRunner::~ModuleRunner() {
  if (state_) state_->shut_down();
}

std::function<void()> ModuleRunner::start(const ModuleRun& run, Handler handler) {
  auto made = std::make_unique<service::ModuleExchange>(run);
  service::ModuleExchange& exchange = *made;
  const auto event = std::make_shared<service::EventState>(state_, exchange.parameters(), std::move(made));
  event->send([event, &exchange, handler = std::move(handler)](const Result<void>& done) {
    handler(done ? Result<ModuleData>(exchange.take_result()) : Result<ModuleData>(done.error()));
  });
  return [event = std::weak_ptr(event)] {
    if (const auto running = event.lock()) running->end(Failure(Terminated{}));
  };
}

std::size_t ModuleRunner::runs() const noexcept {
  return state_->events_running();
}

boost::asio::any_io_executor ModuleRunner::default_executor() const {
  return state_->executor();
}

}  // namespace nsenterd
