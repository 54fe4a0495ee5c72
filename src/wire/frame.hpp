// What travels on the socketpair between the daemon and an agent: a header, then that many bytes. No heap, no
// exceptions: also used on the fork side, before and during the join. (Both sides.)
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nsenterd::wire {

enum class FrameKind : std::uint32_t {
  /// Daemon to agent: a message in JSON that leaves the agent the process that it is.
  request = 1,
  /// As request, and the agent answers `started` before it runs the operation.
  request_async,
  /// Agent to daemon: the message that answers, in JSON; with the descriptor that it carries, if any.
  response,
  /// The agent runs and has the request. Empty.
  started,
  /// A nsjoin::StepFailure: the agent could not join or create a namespace, and has ended.
  join_failed,
  /// Empty, with a pidfd: the agent is that process, a child of the one that the fork server made.
  forked,
  /// Daemon to agent, before a request: on whose behalf it is made (wire/credentials.hpp).
  credentials,
  /// Daemon to the first of several processes: its pidfd is held, so it may fork the next. Empty.
  proceed,
  /// Daemon to agent: several messages, or one that changes the agent (wire/message_list.hpp), each of which a `response` answers, up to the
  /// first errorResponse.
  request_list,
  /// As request_list, and the agent answers `started` before it runs the first.
  request_list_async,
  /// To an agent of a program with modules: what to run (wire/module_call.hpp), with the descriptors that it is given.
  module_call,
  /// What the module returned, with its descriptors.
  module_result,
  /// How it failed (wire/module_call.hpp).
  module_failed,
};

struct FrameHeader {
  FrameKind kind;
  std::uint32_t length;
  /// Of a response: how long the operation took. 0 in all others.
  std::uint64_t nanoseconds;
};

/// The longest body of a frame. Larger than any message a client may send, because the answer to a read
/// that is at its limit grows by a third in base64.
inline constexpr std::uint32_t kMaxFrame = 64U << 20U;

/// Sends one frame on a blocking socket, with these descriptors. False with errno if the
/// peer is gone or the socket failed; never raises SIGPIPE.
bool send_frame(int socket, FrameKind kind, std::string_view body, std::span<const int> descriptors = {},
                std::uint64_t nanoseconds = 0) noexcept;

/// Reads exactly `size` bytes from a blocking socket. False at end-of-file (errno 0) and on errors.
bool receive_exactly(int socket, void* buffer, std::size_t size) noexcept;

}  // namespace nsenterd::wire
