// What `systemctl status` shows of the daemon: how much there is to do (daemon).
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/service_manager.hpp"

namespace nsenterd::daemon {

/// Tells the service manager at most once a second, and only what is new. While nothing happens it does not even look.
class StatusLine {
 public:
  struct Load {
    std::size_t clients = 0;
    std::size_t events = 0;
    std::size_t warm_agents = 0;

    bool operator==(const Load&) const = default;
  };

  /// The service manager outlives it.
  StatusLine(const boost::asio::any_io_executor& executor, ServiceManager& manager,
             std::function<Load()> load);

  /// Something has begun, or a client has left: looks in a second. Costs nothing while it is going to anyway.
  void changed();

 private:
  void look();

  ServiceManager& manager_;
  boost::asio::steady_timer timer_;
  std::function<Load()> load_;
  Load told_;
  bool waiting_ = false;
};

}  // namespace nsenterd::daemon
