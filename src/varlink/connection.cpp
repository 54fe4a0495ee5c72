#include "varlink/connection.hpp"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

namespace nsenterd::varlink {

using boost::asio::posix::descriptor_base;

namespace {

/// More than this is not kept of what has been served.
constexpr std::size_t kKept = 65536;

}  // namespace

Connection::Connection(const boost::asio::any_io_executor& executor, base::UniqueFd socket,
                       std::shared_ptr<const Peer> peer, bool authorized, const Limits& limits,
                       Handler dispatch, ClosedHandler closed)
    : socket_(executor, socket.release()),
      peer_(std::move(peer)),
      authorized_(authorized),
      limits_(limits),
      dispatch_(std::move(dispatch)),
      closed_(std::move(closed)) {}

void Connection::start() {
  read();
}

void Connection::close() {
  if (!socket_.is_open()) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  output_.clear();
  descriptors_.clear();
  if (const auto call = call_.lock()) call->abandon();
  closed_(shared_from_this());
}

void Connection::read() {
  if (reading_ || !socket_.is_open()) return;
  // A client that sends ahead of a long call, or does not read its replies, is held back by its own socket. Otherwise it is read from all
  // the time: that is how its going away is noticed.
  if (!output_.empty() || (busy_ && input_.size() - begin_ > limits_.message)) return;
  reading_ = true;
  socket_.async_wait(descriptor_base::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->reading_ = false;
                       if (!error) self->on_readable();
                     });
}

void Connection::on_readable() {
  if (!authorized_) return end_with(encode_error("org.varlink.service.PermissionDenied", Json::object()));
  // Several calls may have come; each is begun when the one before it is done.
  if (receive()) next_call();
  if (!closing_) read();
}

bool Connection::receive() {
  constexpr std::size_t kChunk = 4096;
  constexpr std::size_t kMaximum = 1U << 20U;
  // The buffer grows with what has come. A message that is over the limit is noticed at most one chunk later.
  const std::size_t filled = input_.size();
  input_.resize(filled + std::clamp(filled, kChunk, kMaximum));
  Received received;
  const ssize_t got = wire::receive_with_descriptors(
      socket_.native_handle(), {input_.data() + filled, input_.size() - filled}, received, MSG_DONTWAIT);
  const int error = errno;
  input_.resize(filled + static_cast<std::size_t>(std::max(got, ssize_t{0})));
  if (got < 0 && error == EAGAIN) return true;
  if (got <= 0) {
    close();
    return false;
  }
  // Bytes of a call before may have come in the same piece, but of the one that they belong to only the last ends here.
  const auto end = input_.find('\0', filled);
  return claim_descriptors(received,
                           filled == begin_ && (end == std::string::npos || end + 1 == input_.size()));
}

bool Connection::claim_descriptors(Received& received, bool at_message_start) {
  if (received.size() == 0) return true;
  // A call with descriptors may not be sent ahead: whose they are would be a guess.
  if (busy_ || !at_message_start || received.size() > limits_.descriptors) {
    refuse("descriptors");
    return false;
  }
  for (std::size_t i = 0; i < received.size(); ++i) descriptors_.push_back(received.take(i));
  return true;
}

void Connection::next_call() {
  // A handler that replies at once comes back here; the loop, not the stack, takes the next call then.
  if (std::exchange(dispatching_, true)) return;
  while (!busy_ && !closing_ && output_.empty() && socket_.is_open()) {
    const auto end = input_.find('\0', searched_);
    searched_ = input_.size();
    if (std::min(end, input_.size()) - begin_ > limits_.message) {
      refuse("message");
      break;
    }
    if (end == std::string::npos) break;
    const std::size_t begin = std::exchange(begin_, end + 1);
    searched_ = begin_;
    begin_call(std::string_view(input_).substr(begin, end - begin));
  }
  // What has been served is dropped, in large pieces, also where a call always begins before the last one ends.
  if (begin_ > kKept) {
    input_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
  }
  if (begin_ == input_.size()) {
    // The memory of an uncommonly long message is given back.
    if (input_.capacity() > kKept) input_ = {};
    input_.clear();
    begin_ = searched_ = 0;
  }
  dispatching_ = false;
}

void Connection::begin_call(std::string_view text) {
  auto message = decode_call(text);
  if (!message) return refuse(message.error().key);
  busy_ = true;
  auto call =
      std::make_shared<Call>(weak_from_this(), peer_, std::move(*message), std::exchange(descriptors_, {}));
  call_ = call;
  dispatch_(std::move(call));
}

void Connection::finish_call() {
  busy_ = false;
  call_.reset();
  next_call();
  if (!closing_) read();
}

void Connection::refuse(std::string_view parameter) {
  end_with(encode_error("org.varlink.service.InvalidParameter", {{"parameter", parameter}}));
}

void Connection::end_with(std::string text) {
  descriptors_.clear();
  closing_ = true;
  send(std::move(text), {});
}

void Connection::send(std::string text, std::vector<base::ForeignFd> descriptors) {
  if (!socket_.is_open()) return;
  output_.push_back({std::move(text), 0, std::move(descriptors)});
  if (!writing_) write();
}

void Connection::write() {
  writing_ = false;
  while (socket_.is_open() && !output_.empty()) {
    Output& next = output_.front();
    std::vector<int> descriptors;
    for (const auto& descriptor : next.descriptors) descriptors.push_back(descriptor.get());
    iovec part{next.text.data() + next.sent, next.text.size() - next.sent};
    const ssize_t sent = wire::send_with_descriptors(socket_.native_handle(), {&part, 1}, descriptors,
                                                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      writing_ = true;
      socket_.async_wait(descriptor_base::wait_write,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (!error) self->write();
                         });
      return;
    }
    if (sent < 0) return close();
    next.descriptors.clear();
    next.sent += static_cast<std::size_t>(sent);
    if (next.sent == next.text.size()) output_.pop_front();
  }
  if (closing_) return close();
  // What was held back while the client did not read.
  next_call();
  read();
}

}  // namespace nsenterd::varlink
