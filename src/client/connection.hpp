// Asks a Varlink service over its unix socket and waits for each answer (nsenterctl, programs on the client's
// side).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "client/channel.hpp"
#include "client/reply.hpp"
#include "wire/json.hpp"

namespace nsenterd::client {

/// One connection; one call at a time. Not thread-safe. Never raises SIGPIPE.
class Connection {
 public:
  explicit Connection(Channel channel) noexcept : channel_(std::move(channel)) {}
  /// Waits until `deadline` where the service's backlog is full.
  static Result<Connection> connect(const std::string& path, Deadline deadline);

  /// Called a few times a second while a call waits.
  using Waiting = std::function<void()>;
  void while_waiting(Waiting waiting) { waiting_ = std::move(waiting); }

  /// Sends a call, `descriptors` with its first byte, and waits for the one reply. The descriptors stay the
  /// caller's. `parameters` is an object whose strings are UTF-8. After TransportFailure and DeadlinePassed
  /// the connection has ended, since a late answer would be taken for that of the next call.
  Result<Reply> call(std::string_view method, const wire::Json& parameters, std::span<const int> descriptors,
                     Deadline deadline);
  /// The same of a call that is text already; with "more", as call_more.
  Result<Reply> call(OutgoingCall call, Deadline deadline);
  /// As Channel::take_back.
  OutgoingCall take_back() noexcept { return channel_.take_back(); }

  /// As call, but with "more", and waits for the first of the replies. As long as one continues, receive() is to
  /// be called for the next, and nothing else.
  Result<Reply> call_more(std::string_view method, const wire::Json& parameters, Deadline deadline);
  /// The next reply to call_more.
  Result<Reply> receive(Deadline deadline);

  [[nodiscard]] bool is_usable() const noexcept { return channel_.is_usable(); }
  /// Stays the same for as long as the connection is there, also when it has ended.
  [[nodiscard]] int socket() const noexcept { return channel_.socket(); }

 private:
  [[nodiscard]] Result<void> wait_for(Wait what, Deadline deadline) const;

  Channel channel_;
  Waiting waiting_;
};

}  // namespace nsenterd::client
