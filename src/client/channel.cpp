#include "client/channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

namespace nsenterd::client {
namespace {

/// The longest reply, its NUL included.
constexpr std::size_t kMaxReply = 64U << 20U;
/// Enough for most replies.
constexpr std::size_t kFirstChunk = 4096;
constexpr std::size_t kLargestChunk = 1U << 20U;

bool is_closed_by_peer(int error) {
  return error == EPIPE || error == ECONNRESET;
}

}  // namespace

Result<Channel> Channel::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // To the kernel an empty path is no path, and an unterminated one a path that may be another's.
  if (path.empty()) return TransportFailure{"connect", ENOENT, false};
  if (path.size() >= sizeof address.sun_path) return TransportFailure{"connect", ENAMETOOLONG, false};
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return TransportFailure{"connect", errno, false};
  }
  return Channel(std::move(socket));
}

void Channel::begin(OutgoingCall call) {
  call_ = std::move(call);
  sent_ = 0;
}

OutgoingCall Channel::take_back() noexcept {
  sent_ = 0;
  if (input_.capacity() > kFirstChunk) input_ = std::string();
  return std::exchange(call_, {});
}

std::variant<Wait, Result<Reply>> Channel::advance() {
  if (!usable_) return fail("send", ENOTCONN, false);
  return sent_ < call_.text.size() ? send() : receive();
}

void Channel::abandon() noexcept {
  usable_ = false;
  ::shutdown(socket_.get(), SHUT_RDWR);
  descriptors_.clear();
}

Result<Reply> Channel::fail(std::string_view step, int error, bool may_have_run) {
  abandon();
  return TransportFailure{step, error, may_have_run};
}

std::variant<Wait, Result<Reply>> Channel::send() {
  while (sent_ < call_.text.size()) {
    iovec left{call_.text.data() + sent_, call_.text.size() - sent_};
    const std::span<const int> descriptors =
        sent_ == 0 ? std::span<const int>(call_.descriptors) : std::span<const int>();
    const ssize_t sent = wire::send_with_descriptors(socket_.get(), {&left, 1}, descriptors, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return Wait::writable;
    if (sent < 0) return fail_to_send(errno);
    sent_ += static_cast<std::size_t>(sent);
  }
  // The answer cannot be there yet.
  return Wait::readable;
}

Result<Reply> Channel::fail_to_send(int error) {
  // A service that refuses a connection, or a message that is too long, says why before it closes.
  if (is_closed_by_peer(error)) {
    auto step = receive();
    auto* reply = std::get_if<Result<Reply>>(&step);
    if (reply != nullptr && !*reply && is_answer(reply->error())) {
      abandon();
      return std::move(*reply);
    }
  }
  return fail("send", error, false);
}

std::variant<Wait, Result<Reply>> Channel::receive() {
  for (;;) {
    const std::size_t end = input_.find('\0', searched_);
    if (end != std::string::npos) return take_reply(end);
    const std::size_t filled = searched_ = input_.size();
    if (filled == kMaxReply) return fail("receive", EMSGSIZE, true);
    // The buffer grows with what has arrived.
    input_.resize(filled + std::min(std::clamp(filled, kFirstChunk, kLargestChunk), kMaxReply - filled));
    const ssize_t got = wire::receive_with_descriptors(socket_.get(), std::span(input_).subspan(filled),
                                                       descriptors_, MSG_DONTWAIT);
    const int error = errno;
    input_.resize(filled + static_cast<std::size_t>(std::max(got, ssize_t{0})));
    if (got > 0) continue;
    if (got < 0 && error == EAGAIN) return Wait::readable;
    if (got == 0) return fail("receive", ECONNRESET, true);
    // The kernel says so where the service has closed the connection before it had read all that was sent (unix(7)): of the call, its
    // end at least.
    const bool is_unread = error == ECONNRESET && filled == 0;
    return fail("receive", error, !is_unread);
  }
}

Result<Reply> Channel::take_reply(std::size_t end) {
  auto reply = decode_reply(std::string_view(input_).substr(0, end), descriptors_, call_.more);
  input_.erase(0, end + 1);
  searched_ = 0;
  if (!reply && !is_answer(reply.error())) abandon();
  if (reply && reply->continues) return reply;
  descriptors_.clear();
  // Nothing was asked that could be answered by more.
  if (!input_.empty()) return fail("receive", EBADMSG, true);
  return reply;
}

}  // namespace nsenterd::client
