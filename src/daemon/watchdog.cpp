#include "daemon/watchdog.hpp"

namespace nsenterd::daemon {

Watchdog::Watchdog(const boost::asio::any_io_executor& executor, ServiceManager& manager)
    : manager_(manager), timer_(executor) {
  if (!manager.watchdog_time()) return;
  interval_ = *manager.watchdog_time() / 2;
  wait();
}

void Watchdog::wait() {
  timer_.expires_after(interval_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    manager_.alive();
    wait();
  });
}

}  // namespace nsenterd::daemon
