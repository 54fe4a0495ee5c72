// What clients may ask of events (daemon).
#pragma once

#include <chrono>
#include <cstddef>

namespace nsenterd::daemon {

struct EventLimits {
  std::chrono::milliseconds default_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds maximum_timeout = std::chrono::minutes(5);
  /// Of one user, those that have a name: under way, or finished and not received yet.
  std::size_t events_of_user = 256;
};

}  // namespace nsenterd::daemon
