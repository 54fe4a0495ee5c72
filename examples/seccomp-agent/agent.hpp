// The agent: listens, and serves the containers that it is given. (Agent.)
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/module_runner.hpp>

#include "container.hpp"
#include "counters.hpp"
#include "handlers/handlers.hpp"
#include "listener.hpp"
#include "policy.hpp"

namespace seccomp_agent {

class Agent {
 public:
  /// Listens from now on. Throws std::system_error.
  Agent(boost::asio::io_context& context, const Policy& policy, nsenterd::ModuleRunner& runner,
        const std::filesystem::path& socket);

  /// Receives nothing any more, and stops the event loop when all calls have been answered, after five seconds at the latest. At
  /// once, the second time. The kernel fails the calls that nobody has received with ENOSYS.
  void stop();
  void log_counters() const { counters_.log(); }

 private:
  void serve(ContainerProcess process, nsenterd::UniqueFd seccomp_fd);
  void stop_if_idle();

  boost::asio::io_context& context_;
  Limits limits_;
  Counters counters_;
  HandlerTable handlers_;
  std::set<std::shared_ptr<Container>> containers_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point end_;
  bool stopping_ = false;
  Listener listener_;
};

}  // namespace seccomp_agent
