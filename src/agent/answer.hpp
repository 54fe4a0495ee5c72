// One request and its answer (runs inside the container).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <nsenterd/unique_fd.hpp>

#include "wire/credentials.hpp"

namespace nsenterd::agent {

/// A message in answer, and the descriptor that goes with it, if any.
struct Reply {
  std::string text;
  UniqueFd descriptor;
  /// Whether it is an errorResponse.
  bool failed = false;
  /// Whether the operation was run, and has not failed for want of memory or the like: what this process lacks, it would lack again.
  bool may_serve_again = false;
  std::chrono::nanoseconds took{};
};

/// Runs the operation that the request asks for. What fails is the answer as well: errorResponse, with EMSGSIZE where another
/// one would have more than `room` bytes.
Reply answer(std::string_view request, const wire::Credentials& credentials, std::size_t room);

/// The answer where a system call has failed that the operation is not to blame for: errno.
Reply failed_call(std::string_view call);

/// To where a process that joins now would be. The container may have mounted another root over the one that was joined; the
/// way from a root to its parent leads to what is mounted there (path_resolution(7)).
void return_to_root();

/// Sends a reply on the event's socket. False with errno if the service has closed its end.
bool send_reply(const Reply& reply) noexcept;

}  // namespace nsenterd::agent
