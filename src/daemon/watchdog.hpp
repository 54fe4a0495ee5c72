// Tells the service manager that the event loop turns (daemon).
#pragma once

#include <chrono>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/service_manager.hpp"

namespace nsenterd::daemon {

/// From the event loop itself, so that a loop that is stuck is noticed. Does nothing where nobody expects it.
class Watchdog {
 public:
  /// The service manager outlives it.
  Watchdog(const boost::asio::any_io_executor& executor, ServiceManager& manager);

 private:
  void wait();

  ServiceManager& manager_;
  boost::asio::steady_timer timer_;
  // Half of what is expected, so that one that is late is early enough.
  std::chrono::microseconds interval_{};
};

}  // namespace nsenterd::daemon
