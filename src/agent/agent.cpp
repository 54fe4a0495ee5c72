#include "agent/agent.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <string>

#include "launch/fork_server.hpp"
#include "nsjoin/join.hpp"
#include "operations/table.hpp"
#include "wire/frame.hpp"
#include "wire/message.hpp"

namespace nsenterd::agent {
namespace {

using operations::ErrorResponse;

/// A message in answer, and the descriptor that goes with it, if any.
struct Reply {
  std::string text;
  base::UniqueFd descriptor;
};

Reply error_reply(const ErrorResponse& error) {
  return {wire::join_message(operations::kErrorResponse, operations::write_payload(error)), {}};
}

Reply run_operation(const wire::MessageParts& request, const wire::Credentials& credentials) {
  const operations::Operation* operation = operations::find_operation(request.type);
  if (operation == nullptr) return error_reply(operations::plain_error(ENOSYS, "unknown message"));
  const auto& mounts = launch::spawned().mounts;
  auto answer = operation->run(request.payload, {.place = operations::Place(mounts.procfs, mounts.sysfs),
                                                 .credentials = credentials,
                                                 .parent = nsjoin::kSocket});
  if (!answer) return error_reply(answer.error());
  Reply reply{wire::join_message(operation->response, answer->payload), std::move(answer->descriptor)};
  if (reply.text.size() <= wire::kMaxFrame) return reply;
  return error_reply(operations::plain_error(EMSGSIZE, "the response is too long"));
}

/// The service has checked the request, so what fails here is this process, mostly for want of memory.
Reply answer(const std::string& text, const wire::Credentials& credentials) try {
  const auto request = wire::split_message(text);
  if (!request) return error_reply(operations::plain_error(EINVAL, "message"));
  return run_operation(*request, credentials);
} catch (const std::bad_alloc&) {
  return error_reply(operations::plain_error(ENOMEM, "cannot allocate memory"));
} catch (const std::exception& failure) {
  return error_reply(operations::plain_error(EIO, failure.what()));
}

bool receive_header(wire::FrameHeader& header) {
  return wire::receive_exactly(nsjoin::kSocket, &header, sizeof header);
}

}  // namespace

int run() {
  wire::FrameHeader header{};
  if (!receive_header(header)) return 1;
  wire::Credentials credentials;
  if (header.kind == wire::FrameKind::credentials) {
    const auto received = wire::receive_credentials(nsjoin::kSocket);
    if (!received || !receive_header(header)) return 1;
    credentials = *received;
  }
  if (header.length > wire::kMaxFrame) return 1;
  std::string request(header.length, '\0');
  if (!wire::receive_exactly(nsjoin::kSocket, request.data(), request.size())) return 1;
  if (header.kind == wire::FrameKind::request_async &&
      !wire::send_frame(nsjoin::kSocket, wire::FrameKind::started, {})) {
    return 1;
  }
  const Reply reply = answer(request, credentials);
  const bool sent =
      wire::send_frame(nsjoin::kSocket, wire::FrameKind::response, reply.text, reply.descriptor.get());
  return sent ? 0 : 1;
}

}  // namespace nsenterd::agent
