// A Varlink call and its reply: as text, and what can come instead of an answer (client's side).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

#include <nsenterd/unique_fd.hpp>

#include "wire/descriptors.hpp"
#include "wire/json.hpp"

namespace nsenterd::client {

using Deadline = std::chrono::steady_clock::time_point;

/// As many as the daemon sends with one message at most.
inline constexpr std::size_t kMaxDescriptors = 16;
using ReplyDescriptors = wire::ReceivedDescriptors<kMaxDescriptors>;

/// The service cannot be reached, or what came is no reply. The step is "connect", "send", "receive" or
/// "poll". Besides what the system call of that step reports, the errno is ECONNRESET where the service
/// closed the connection before a whole reply, EMSGSIZE for a reply that is too long or that lost
/// descriptors, EBADMSG for one that is malformed, and ENOTCONN after an earlier failure.
struct TransportFailure {
  std::string_view step;
  int error = 0;
  /// Whether the service may have had the whole call. If not, it never will.
  bool may_have_run = true;
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

/// Whether it is one of the service's own.
inline bool is_answer(const CallError& error) {
  return std::get_if<VarlinkError>(&error) != nullptr;
}

template <class T>
using Result = boost::system::result<T, CallError>;

struct Reply {
  /// An object.
  wire::Json parameters;
  /// Come with a last reply only.
  std::vector<UniqueFd> descriptors;
  /// Whether this is not the last reply.
  bool continues = false;
};

/// A call on its way.
struct OutgoingCall {
  /// With the NUL that ends it.
  std::string text;
  /// Go with its first byte. They stay their owner's, who keeps them open until the call has been answered.
  std::vector<int> descriptors{};
  /// Whether it may have several replies, which it has to say itself.
  bool more = false;
};

/// The call with the NUL that ends it.
std::string encode_call(std::string_view method, const wire::Json& parameters, bool more);

/// What a reply without its NUL says: an answer, which takes the descriptors if it is the last, or a VarlinkError,
/// or, where it is none that fits the call, TransportFailure with EBADMSG.
Result<Reply> decode_reply(std::string_view text, ReplyDescriptors& descriptors, bool more);

}  // namespace nsenterd::client
