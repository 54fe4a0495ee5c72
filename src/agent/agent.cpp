#include "agent/agent.hpp"

#include <string>
#include <utility>

#include "agent/answer.hpp"
#include "agent/input.hpp"
#include "agent/request_list.hpp"
#include "launch/fork_server.hpp"
#include "nsjoin/join.hpp"
#include "wire/frame.hpp"

namespace nsenterd::agent {
namespace {

/// One event: its request, or several, and the answer. Whether there may be another.
bool serve(Input& input, bool is_first) {
  // Only before the first there may be credentials: those that follow have left the process as it was.
  if (!is_first && !input.fill()) return false;
  wire::FrameHeader header{};
  if (!input.read(&header, sizeof header)) return false;
  wire::Credentials credentials;
  if (is_first && header.kind == wire::FrameKind::credentials) {
    const auto received = wire::receive_credentials(nsjoin::kSocket);
    if (!received || !input.read(&header, sizeof header)) return false;
    credentials = *received;
  }
  if (header.length > wire::kMaxFrame) return false;
  std::string request(header.length, '\0');
  if (!input.read(request.data(), request.size())) return false;
  const bool is_list =
      header.kind == wire::FrameKind::request_list || header.kind == wire::FrameKind::request_list_async;
  const bool is_async =
      header.kind == wire::FrameKind::request_async || header.kind == wire::FrameKind::request_list_async;
  if (is_async && !wire::send_frame(nsjoin::kSocket, wire::FrameKind::started, {})) return false;
  if (!is_first) return_to_root();
  if (is_list) return answer_list(request, credentials);
  const Reply reply = answer(request, credentials, wire::kMaxFrame);
  return send_reply(reply) && reply.may_serve_again;
}

}  // namespace

void run() {
  Input input;
  bool is_first = true;
  while (serve(input, std::exchange(is_first, false))) {
  }
}

}  // namespace nsenterd::agent
