#include "agent/agent.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include <unistd.h>

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
  /// Whether the process is what it was before.
  bool may_serve_again = false;
};

Reply error_reply(const ErrorResponse& error) {
  return {wire::join_message(operations::kErrorResponse, operations::write_payload(error)), {}};
}

Reply run_operation(const operations::Operation& operation, std::string_view payload,
                    const wire::Credentials& credentials) {
  const auto& mounts = launch::spawned().mounts;
  auto answer = operation.run(payload, {.place = operations::Place(mounts.procfs, mounts.sysfs),
                                        .credentials = credentials,
                                        .parent = nsjoin::kSocket});
  if (!answer) return error_reply(answer.error());
  Reply reply{wire::join_message(operation.response, answer->payload), std::move(answer->descriptor)};
  if (reply.text.size() <= wire::kMaxFrame) return reply;
  return error_reply(operations::plain_error(EMSGSIZE, "the response is too long"));
}

/// The service has checked the request, so what fails here is this process, mostly for want of memory.
Reply answer(const std::string& text, const wire::Credentials& credentials) try {
  const auto request = wire::split_message(text);
  if (!request) return error_reply(operations::plain_error(EINVAL, "message"));
  const operations::Operation* operation = operations::find_operation(request->type);
  if (operation == nullptr) return error_reply(operations::plain_error(ENOSYS, "unknown message"));
  Reply reply = run_operation(*operation, request->payload, credentials);
  reply.may_serve_again = !operation->takes_personality;
  return reply;
} catch (const std::bad_alloc&) {
  return error_reply(operations::plain_error(ENOMEM, "cannot allocate memory"));
} catch (const std::exception& failure) {
  return error_reply(operations::plain_error(EIO, failure.what()));
}

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
  const Reply reply = answer(request, credentials);
  return wire::send_frame(nsjoin::kSocket, wire::FrameKind::response, reply.text, reply.descriptor.get()) &&
         reply.may_serve_again;
}

}  // namespace

void run() {
  bool is_first = true;
  while (serve(std::exchange(is_first, false))) {
  }
}

}  // namespace nsenterd::agent
