// Whether a call that was not begun is made again (client's side).
#pragma once

#include <chrono>
#include <optional>

#include "client/reply.hpp"

namespace nsenterd::client {

class Retry {
 public:
  using Clock = std::chrono::steady_clock;

  /// `patience` counts from the first failure on.
  Retry(std::chrono::milliseconds patience, Deadline deadline) noexcept
      : patience_(patience), deadline_(deadline) {}

  /// How long to wait before the call is made again, on a new connection; nothing if it is not to be.
  std::optional<std::chrono::milliseconds> after(const CallError& error, Clock::time_point now);

 private:
  std::chrono::milliseconds patience_;
  Deadline deadline_;
  std::optional<Deadline> until_;
};

}  // namespace nsenterd::client
