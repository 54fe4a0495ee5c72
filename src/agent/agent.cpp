#include "agent/agent.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <unistd.h>

#include "agent/answer.hpp"
#include "launch/fork_server.hpp"
#include "nsjoin/join.hpp"
#include "wire/frame.hpp"

namespace nsenterd::agent {
namespace {

bool receive_header(wire::FrameHeader& header) {
  return wire::receive_exactly(nsjoin::kSocket, &header, sizeof header);
}

/// To where a process that joins now would be. The container may have mounted another root over the one that was joined; the
/// way from a root to its parent leads to what is mounted there (path_resolution(7)).
void return_to_root() {
  // Who may not has joined no mount namespace, either (setns(2)).
  const bool is_there = (::chroot("/..") == 0 || errno == EPERM) && ::chdir("/") == 0;
  if (!is_there) launch::give_up({.step = nsjoin::Step::change_directory, .error = errno});
}

/// One request and its answer. Whether there may be another.
bool serve(bool is_first) {
  wire::FrameHeader header{};
  if (!receive_header(header)) return false;
  wire::Credentials credentials;
  if (header.kind == wire::FrameKind::credentials) {
    const auto received = wire::receive_credentials(nsjoin::kSocket);
    if (!received || !receive_header(header)) return false;
    credentials = *received;
  }
  if (header.length > wire::kMaxFrame) return false;
  std::string request(header.length, '\0');
  if (!wire::receive_exactly(nsjoin::kSocket, request.data(), request.size())) return false;
  if (header.kind == wire::FrameKind::request_async &&
      !wire::send_frame(nsjoin::kSocket, wire::FrameKind::started, {})) {
    return false;
  }
  if (!is_first) return_to_root();
  const Reply reply = answer(request, credentials, wire::kMaxFrame);
  return send_reply(reply) && reply.may_serve_again;
}

}  // namespace

void run() {
  bool is_first = true;
  while (serve(std::exchange(is_first, false))) {
  }
}

}  // namespace nsenterd::agent
