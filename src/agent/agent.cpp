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

Message error_message(const ErrorResponse& error) {
  return {operations::kErrorResponse, operations::write_payload(error)};
}

Message run_operation(const Message& request) {
  const operations::Operation* operation = operations::find_operation(request.type);
  if (operation == nullptr) return error_message(operations::plain_error(ENOSYS, "unknown message"));
  const auto& mounts = launch::spawned().mounts;
  auto answer = operation->run(request.payload, operations::Place(mounts.procfs, mounts.sysfs));
  if (!answer) return error_message(answer.error());
  return {operation->response, std::move(*answer)};
}

/// The service has checked the request, so what fails here is this process, mostly for want of memory.
std::string answer(const std::string& text) try {
  auto request = wire::decode_message(text);
  if (!request)
    return wire::encode_message(error_message(operations::plain_error(EINVAL, request.error().reason)));
  return wire::encode_message(run_operation(*request));
} catch (const std::bad_alloc&) {
  return wire::encode_message(error_message(operations::plain_error(ENOMEM, "cannot allocate memory")));
} catch (const std::exception& failure) {
  return wire::encode_message(error_message(operations::plain_error(EIO, failure.what())));
}

}  // namespace

int run() {
  wire::FrameHeader header{};
  if (!wire::receive_exactly(nsjoin::kSocket, &header, sizeof header)) return 1;
  if (header.length > wire::kMaxFrame) return 1;
  std::string request(header.length, '\0');
  if (!wire::receive_exactly(nsjoin::kSocket, request.data(), request.size())) return 1;
  if (header.kind == wire::FrameKind::request_async &&
      !wire::send_frame(nsjoin::kSocket, wire::FrameKind::started, {})) {
    return 1;
  }
  return wire::send_frame(nsjoin::kSocket, wire::FrameKind::response, answer(request)) ? 0 : 1;
}

}  // namespace nsenterd::agent
