// One request and its answer (runs inside the container).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "operations/error_response.hpp"
#include "wire/credentials.hpp"

namespace nsenterd::agent {

/// A message in answer, and the descriptor that goes with it, if any.
struct Reply {
  std::string text;
  base::UniqueFd descriptor;
  /// Whether the process is what it was before.
  bool may_serve_again = false;
};

/// Runs the operation that the request asks for. What fails is the answer as well: errorResponse, with EMSGSIZE where another
/// one would have more than `room` bytes.
Reply answer(std::string_view request, const wire::Credentials& credentials, std::size_t room);

/// Sends a reply on the event's socket. False with errno if the service has closed its end.
bool send_reply(const Reply& reply) noexcept;

}  // namespace nsenterd::agent
