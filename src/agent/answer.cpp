#include "agent/answer.hpp"

#include <cerrno>
#include <ctime>
#include <exception>
#include <new>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include "launch/fork_server.hpp"
#include "nsjoin/join.hpp"
#include "operations/table.hpp"
#include "wire/frame.hpp"
#include "wire/message.hpp"

namespace nsenterd::agent {
namespace {

using operations::ErrorResponse;

/// By the system call: in an agent that serves once, the vDSO is two more page faults, which take ten times as long.
std::chrono::nanoseconds now() noexcept {
  timespec time{};
  ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Reply error_reply(const ErrorResponse& error) {
  return {wire::join_message(operations::kErrorResponse, operations::write_payload(error)), {}, true};
}

Reply run_operation(const operations::Operation& operation, std::string_view payload,
                    const wire::Credentials& credentials, std::size_t room) {
  const auto& mounts = launch::spawned().mounts;
  auto answer = operation.run(payload, {.place = operations::Place(mounts.procfs, mounts.sysfs),
                                        .credentials = credentials,
                                        .parent = nsjoin::kSocket});
  if (!answer) return error_reply(answer.error());
  Reply reply{wire::join_message(operation.response, std::move(answer->payload)),
              std::move(answer->descriptor)};
  if (reply.text.size() <= room) return reply;
  return error_reply(operations::plain_error(EMSGSIZE, "the response is too long"));
}

}  // namespace

/// The service has checked the request, so what fails here is this process, mostly for want of memory.
Reply answer(std::string_view request, const wire::Credentials& credentials, std::size_t room) try {
  const auto parts = wire::split_message(request);
  if (!parts) return error_reply(operations::plain_error(EINVAL, "message"));
  const operations::Operation* operation = operations::find_operation(parts->type);
  if (operation == nullptr) return error_reply(operations::plain_error(ENOSYS, "unknown message"));
  const auto begin = now();
  Reply reply = run_operation(*operation, parts->payload, credentials, room);
  reply.took = now() - begin;
  reply.may_serve_again = true;
  return reply;
} catch (const std::bad_alloc&) {
  return error_reply(operations::plain_error(ENOMEM, "cannot allocate memory"));
} catch (const std::exception& failure) {
  return error_reply(operations::plain_error(EIO, failure.what()));
}

Reply failed_call(std::string_view call) {
  return error_reply(operations::system_call_error(call));
}

void return_to_root() {
  // Who may not has joined no mount namespace, either (setns(2)).
  const bool is_there = (::chroot("/..") == 0 || errno == EPERM) && ::chdir("/") == 0;
  if (!is_there) launch::give_up({.step = nsjoin::Step::change_directory, .error = errno});
}

bool send_reply(const Reply& reply) noexcept {
  const int descriptor = reply.descriptor.get();
  return wire::send_frame(nsjoin::kSocket, wire::FrameKind::response, reply.text,
                          {&descriptor, descriptor >= 0 ? 1U : 0U},
                          static_cast<std::uint64_t>(reply.took.count()));
}

}  // namespace nsenterd::agent
