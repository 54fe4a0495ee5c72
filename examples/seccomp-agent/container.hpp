// Serves the calls that one filter catches: those of a container process, and of all that it has started. (Agent.)
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "handler.hpp"
#include "handlers/handlers.hpp"

namespace seccomp_agent {

class Container : public std::enable_shared_from_this<Container> {
 public:
  /// The table has to outlive it. Throws std::invalid_argument if the descriptor is not a filter's.
  Container(const boost::asio::any_io_executor& executor, ContainerProcess process,
            nsenterd::UniqueFd seccomp_fd, const HandlerTable& handlers, std::size_t most_calls);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// Serves until stop(), or until the last process is gone, which the function is told.
  void start(std::function<void()> on_end);
  /// Receives no further calls. Those that are being handled go on.
  void stop();
  [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
  [[nodiscard]] const ContainerProcess& process() const noexcept { return *process_; }

 private:
  void wait();
  /// Throws std::exception.
  void look();
  void serve(const Notification& notification);
  void answer(const Call& call, const Answer& answer);
  void finish_call();
  void end();

  std::shared_ptr<const ContainerProcess> process_;
  std::shared_ptr<const NotifyFd> notify_;
  /// The same descriptor, for Asio to wait for.
  boost::asio::posix::stream_descriptor waiter_;
  const HandlerTable& handlers_;
  std::size_t most_calls_;
  std::size_t calls_ = 0;
  bool waits_ = false;
  bool stopped_ = false;
  std::function<void()> on_end_;
};

}  // namespace seccomp_agent
