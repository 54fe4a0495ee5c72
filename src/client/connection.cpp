#include "client/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/reply.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::client {
namespace {

using Clock = std::chrono::steady_clock;

/// The longest reply, its NUL included.
constexpr std::size_t kMaxReply = 64U << 20U;
/// Enough for most replies.
constexpr std::size_t kFirstChunk = 4096;
constexpr std::size_t kLargestChunk = 1U << 20U;

Result<void> wait_for(int socket, short events, Deadline deadline) {
  for (;;) {
    // Rounded up: less than a millisecond that is left must not become a busy loop.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{socket, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<long>(left, 0, INT_MAX)));
    // An error or a hang-up is left to the system call that follows, which names it.
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return TransportFailure{"poll", errno};
    if (ready == 0 && Clock::now() >= deadline) return DeadlinePassed{};
  }
}

/// connect(2) of a unix socket waits for a place in the backlog, and poll(2) cannot wait for that; but it
/// observes the socket's send timeout.
bool limit_connect(int socket, Deadline deadline) {
  using std::chrono::microseconds;
  using std::chrono::seconds;
  const auto left = std::chrono::ceil<microseconds>(deadline - Clock::now());
  if (left <= microseconds::zero()) return false;
  const auto whole = std::chrono::floor<seconds>(left);
  const timeval limit{whole.count(), (left - whole).count()};
  return ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

bool is_answer(const CallError& error) {
  return std::get_if<VarlinkError>(&error) != nullptr;
}

bool is_closed_by_peer(const CallError& error) {
  const auto* failure = std::get_if<TransportFailure>(&error);
  return failure != nullptr && (failure->error == EPIPE || failure->error == ECONNRESET);
}

}  // namespace

Result<Connection> Connection::connect(const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // To the kernel an empty path is no path, and an unterminated one a path that may be another's.
  if (path.empty()) return TransportFailure{"connect", ENOENT};
  if (path.size() >= sizeof address.sun_path) return TransportFailure{"connect", ENAMETOOLONG};
  std::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return TransportFailure{"connect", errno};
  do {
    if (!limit_connect(socket.get(), deadline)) return DeadlinePassed{};
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      return Connection(std::move(socket));
    }
  } while (errno == EINTR);
  if (errno == EAGAIN) return DeadlinePassed{};
  return TransportFailure{"connect", errno};
}

Result<Reply> Connection::call(std::string_view method, const wire::Json& parameters,
                               std::span<const int> descriptors, Deadline deadline) {
  more_ = false;
  return close_unless_answered(exchange(encode_call(method, parameters, more_), descriptors, deadline));
}

Result<Reply> Connection::call_more(std::string_view method, const wire::Json& parameters,
                                    Deadline deadline) {
  more_ = true;
  return close_unless_answered(exchange(encode_call(method, parameters, more_), {}, deadline));
}

Result<Reply> Connection::receive(Deadline deadline) {
  return close_unless_answered(receive_reply(deadline));
}

Result<Reply> Connection::close_unless_answered(Result<Reply> reply) {
  if (reply || is_answer(reply.error())) return reply;
  socket_.reset();
  descriptors_.clear();
  return reply;
}

Result<Reply> Connection::exchange(std::string text, std::span<const int> descriptors, Deadline deadline) {
  if (!socket_) return TransportFailure{"send", ENOTCONN};
  const auto sent = send(text, descriptors, deadline);
  if (sent) return receive_reply(deadline);
  if (!is_closed_by_peer(sent.error())) return sent.error();
  // A service that refuses a connection, or a message that is too long, says why before it closes.
  auto refusal = receive_reply(deadline);
  socket_.reset();
  if (!refusal && is_answer(refusal.error())) return refusal;
  return sent.error();
}

Result<void> Connection::send(std::string& text, std::span<const int> descriptors, Deadline deadline) const {
  iovec whole{text.data(), text.size()};
  for (std::span<iovec> left(&whole, 1); !left.empty();) {
    const ssize_t sent =
        wire::send_with_descriptors(socket_.get(), left, descriptors, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      descriptors = {};
      left = wire::skip_bytes(left, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN) {
      return TransportFailure{"send", errno};
    } else if (auto ready = wait_for(socket_.get(), POLLOUT, deadline); !ready) {
      return ready;
    }
  }
  return {};
}

Result<Reply> Connection::receive_reply(Deadline deadline) {
  if (!socket_) return TransportFailure{"receive", ENOTCONN};
  std::size_t end = 0;
  for (std::size_t searched = 0; (end = input_.find('\0', searched)) == std::string::npos;) {
    searched = input_.size();
    if (auto filled = fill(deadline); !filled) return filled.error();
  }
  auto reply = decode_reply(std::string_view(input_).substr(0, end), descriptors_, more_);
  input_.erase(0, end + 1);
  // Nothing was asked that could be answered by more.
  if (reply && reply->continues) return reply;
  descriptors_.clear();
  if (!input_.empty()) return TransportFailure{"receive", EBADMSG};
  return reply;
}

Result<void> Connection::fill(Deadline deadline) {
  const std::size_t filled = input_.size();
  if (filled == kMaxReply) return TransportFailure{"receive", EMSGSIZE};
  // The buffer grows with what has arrived.
  const std::size_t room = std::min(std::clamp(filled, kFirstChunk, kLargestChunk), kMaxReply - filled);
  for (;;) {
    input_.resize(filled + room);
    const ssize_t got = wire::receive_with_descriptors(socket_.get(), std::span(input_).subspan(filled),
                                                       descriptors_, MSG_DONTWAIT);
    const int error = got < 0 ? errno : ECONNRESET;
    input_.resize(filled + static_cast<std::size_t>(std::max(got, ssize_t{0})));
    if (got > 0) return {};
    if (error != EAGAIN) return TransportFailure{"receive", error};
    if (auto ready = wait_for(socket_.get(), POLLIN, deadline); !ready) return ready;
  }
}

}  // namespace nsenterd::client
