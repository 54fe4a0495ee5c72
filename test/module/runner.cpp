#include "runner.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <nsenterd/module_runner.hpp>

#include "support/processes.hpp"

namespace nsenterd::test {

struct Runner::Parts {
  boost::asio::io_context context{1};
  std::optional<ModuleRunner> runner;
  pid_t fork_server = 0;
  // What there was before: the fork server of run().
  std::vector<pid_t> others;
};

ModuleRun in(const Container& container, std::string module, std::string argument) {
  return {.target = container.pid(),
          .namespaces = Namespaces::all(),
          .module = std::move(module),
          .argument = std::move(argument)};
}

std::string outcome_of(const Result<ModuleData>& result) {
  return result ? "ok: " + result->bytes : to_string(result.error());
}

std::string outcome_of(const ModuleRun& run) {
  return outcome_of(nsenterd::run(run));
}

Runner::Runner(std::size_t max_runs) : parts_(std::make_unique<Parts>()) {
  parts_->others = own_children_named("nsenter-agent");
  parts_->runner = ModuleRunner::create(parts_->context.get_executor(), {.max_runs = max_runs}).value();
  for (const pid_t pid : own_children_named("nsenter-agent")) {
    if (std::find(parts_->others.begin(), parts_->others.end(), pid) == parts_->others.end())
      parts_->fork_server = pid;
  }
}

Runner::~Runner() = default;

std::shared_ptr<Started> Runner::start(const ModuleRun& run) {
  const auto started = std::make_shared<Started>();
  const auto signal = std::make_shared<boost::asio::cancellation_signal>();
  started->cancel = [signal] { signal->emit(boost::asio::cancellation_type::terminal); };
  parts_->runner->async_run(
      run, boost::asio::bind_cancellation_slot(signal->slot(), [started](const Result<ModuleData>& result) {
        started->outcome = outcome_of(result);
      }));
  return started;
}

std::string Runner::finish(const Started& started) {
  if (!run_until([&] { return started.outcome.has_value(); })) throw std::runtime_error("the run has no end");
  return *started.outcome;
}

std::size_t Runner::runs() const {
  return parts_->runner->runs();
}

bool Runner::run_until(const std::function<bool()>& predicate) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    parts_->context.restart();
    parts_->context.run_one_for(std::chrono::milliseconds(10));
  }
  return true;
}

pid_t Runner::fork_server() const {
  return parts_->fork_server;
}

std::size_t Runner::agents() const {
  const auto all = own_children_named("nsenter-agent");
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [this](pid_t pid) {
    return pid != parts_->fork_server &&
           std::find(parts_->others.begin(), parts_->others.end(), pid) == parts_->others.end();
  }));
}

void Runner::destroy() {
  parts_->runner.reset();
}

}  // namespace nsenterd::test
