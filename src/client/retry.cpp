#include "client/retry.hpp"

#include <algorithm>
#include <cerrno>

namespace nsenterd::client {
namespace {

/// What a service that starts, or a backlog that is full, is given between one attempt and the next.
constexpr std::chrono::milliseconds kPause{10};

/// Nobody listens there now, but somebody may in a moment: a daemon that is being restarted.
bool is_absent(const TransportFailure& failure) {
  return failure.step == "connect" && (failure.error == ENOENT || failure.error == ECONNREFUSED);
}

/// The connection had ended before the daemon had the call.
bool is_unsent(const TransportFailure& failure) {
  return !failure.may_have_run &&
         (failure.error == EPIPE || failure.error == ECONNRESET || failure.error == ENOTCONN);
}

/// The daemon is ending, and the next one will take it (docs/protocol.md).
bool is_draining(const VarlinkError& error) {
  if (error.name != "io.nsenterd.Overloaded") return false;
  const auto limit = error.parameters.find("limit");
  return limit != error.parameters.end() && *limit == "draining";
}

}  // namespace

std::optional<std::chrono::milliseconds> Retry::after(const CallError& error, Clock::time_point now) {
  const auto* failure = std::get_if<TransportFailure>(&error);
  const auto* answer = std::get_if<VarlinkError>(&error);
  // A place in the backlog becomes free when the daemon accepts; it is there.
  const bool is_full = failure != nullptr && failure->step == "connect" && failure->error == EAGAIN;
  if (is_full) return now < deadline_ ? std::optional(kPause) : std::nullopt;
  const bool is_gone = failure != nullptr && failure->step != "connect" && is_unsent(*failure);
  if (!is_gone && (failure == nullptr || !is_absent(*failure)) &&
      (answer == nullptr || !is_draining(*answer)))
    return std::nullopt;
  // A connection that was kept may have been closed long ago: that alone says nothing of the daemon.
  if (!until_) {
    until_ = std::min(now + patience_, deadline_);
    if (is_gone) return std::chrono::milliseconds(0);
  }
  return now < *until_ ? std::optional(kPause) : std::nullopt;
}

}  // namespace nsenterd::client
