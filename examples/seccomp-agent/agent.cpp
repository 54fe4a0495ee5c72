#include "agent.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

namespace seccomp_agent {
namespace {

/// The module runner may take another second to end what is left.
constexpr std::chrono::milliseconds kTimeToStop(4000);
constexpr std::chrono::milliseconds kLookAgain(20);

}  // namespace

Agent::Agent(boost::asio::io_context& context, const Policy& policy, nsenterd::ModuleRunner& runner,
             const std::filesystem::path& socket)
    : context_(context),
      limits_(policy.limits),
      handlers_(policy, runner, counters_),
      timer_(context),
      listener_(context.get_executor(), socket,
                [this](ContainerProcess process, nsenterd::UniqueFd seccomp_fd) {
                  serve(std::move(process), std::move(seccomp_fd));
                }) {}

void Agent::serve(ContainerProcess process, nsenterd::UniqueFd seccomp_fd) {
  if (containers_.size() >= limits_.containers) throw std::length_error("too many containers");
  const auto container = std::make_shared<Container>(context_.get_executor(), std::move(process),
                                                     std::move(seccomp_fd), handlers_, limits_.calls);
  spdlog::info("{}: process {} is served", container->process().container, container->process().pid);
  containers_.insert(container);
  container->start([this, weak = std::weak_ptr(container)] {
    const auto ended = weak.lock();
    spdlog::info("{}: process {} has ended", ended->process().container, ended->process().pid);
    containers_.erase(ended);
  });
}

void Agent::stop() {
  if (std::exchange(stopping_, true)) return context_.stop();
  end_ = std::chrono::steady_clock::now() + kTimeToStop;
  listener_.stop();
  for (const auto& container : containers_) container->stop();
  stop_if_idle();
}

void Agent::stop_if_idle() {
  const bool idle = std::all_of(containers_.begin(), containers_.end(),
                                [](const auto& container) { return container->calls() == 0; });
  if (idle || std::chrono::steady_clock::now() >= end_) return context_.stop();
  timer_.expires_after(kLookAgain);
  timer_.async_wait([this](const boost::system::error_code&) { stop_if_idle(); });
}

}  // namespace seccomp_agent
