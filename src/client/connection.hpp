// Asks a Varlink service over its unix socket and waits for each answer (nsenterctl, programs on the client's
// side).
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

#include "base/unique_fd.hpp"
#include "wire/descriptors.hpp"
#include "wire/json.hpp"

namespace nsenterd::client {

using Deadline = std::chrono::steady_clock::time_point;

/// As many as the daemon sends with one message at most.
inline constexpr std::size_t kMaxDescriptors = 16;

/// The service cannot be reached, or what came is no reply. The step is "connect", "send", "receive" or
/// "poll". Besides what the system call of that step reports, the errno is ECONNRESET where the service
/// closed the connection before a whole reply, EMSGSIZE for a reply that is too long or that lost
/// descriptors, EBADMSG for one that is malformed, and ENOTCONN after an earlier failure.
struct TransportFailure {
  std::string_view step;
  int error = 0;
};
/// No whole reply came in time.
struct DeadlinePassed {};
/// The service's reply is an error, such as "io.nsenterd.TimedOut".
struct VarlinkError {
  std::string name;
  /// An object.
  wire::Json parameters;
};

/// What can come instead of an answer.
struct CallError : std::variant<TransportFailure, DeadlinePassed, VarlinkError> {
  using variant::variant;
};

template <class T>
using Result = boost::system::result<T, CallError>;

struct Reply {
  /// An object.
  wire::Json parameters;
  /// Come with a last reply only.
  std::vector<base::UniqueFd> descriptors;
  /// Whether this is not the last reply.
  bool continues = false;
};

/// One connection; one call at a time. Not thread-safe. Never raises SIGPIPE.
class Connection {
 public:
  /// Waits until `deadline` where the service's backlog is full.
  static Result<Connection> connect(const std::string& path, Deadline deadline);

  /// Sends a call, `descriptors` with its first byte, and waits for the one reply. The descriptors stay the
  /// caller's. `parameters` is an object whose strings are UTF-8. After TransportFailure and DeadlinePassed
  /// the connection is closed, since a late answer would be taken for that of the next call.
  Result<Reply> call(std::string_view method, const wire::Json& parameters, std::span<const int> descriptors,
                     Deadline deadline);

  /// As call, but with "more", and waits for the first of the replies. As long as one continues, receive() is to
  /// be called for the next, and nothing else.
  Result<Reply> call_more(std::string_view method, const wire::Json& parameters, Deadline deadline);
  /// The next reply to call_more.
  Result<Reply> receive(Deadline deadline);

 private:
  explicit Connection(base::UniqueFd socket) noexcept : socket_(std::move(socket)) {}

  Result<Reply> exchange(std::string text, std::span<const int> descriptors, Deadline deadline);
  [[nodiscard]] Result<void> send(std::string& text, std::span<const int> descriptors,
                                  Deadline deadline) const;
  Result<Reply> receive_reply(Deadline deadline);
  /// Adds to input_ what arrives next.
  Result<void> fill(Deadline deadline);
  /// Closes the connection unless the service has answered.
  Result<Reply> close_unless_answered(Result<Reply> reply);

  base::UniqueFd socket_;
  // Of the call under way: whether it has "more", and what has arrived since the last reply.
  bool more_ = false;
  std::string input_;
  wire::ReceivedDescriptors<kMaxDescriptors> descriptors_;
};

}  // namespace nsenterd::client
