#include "varlink/connection.hpp"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/post.hpp>

namespace nsenterd::varlink {

using boost::asio::posix::descriptor_base;

namespace {

/// More than this is not kept of what has been served.
constexpr std::size_t kKept = 65536;

/// Calls of one connection that are begun without a look at the others.
constexpr int kCallsInTurn = 64;

}  // namespace

Connection::Connection(boost::asio::posix::stream_descriptor socket, std::shared_ptr<const Peer> peer,
                       bool authorized, const Limits& limits, Handler dispatch, ClosedHandler closed,
                       Observer* observer)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      authorized_(authorized),
      limits_(limits),
      dispatch_(std::move(dispatch)),
      closed_(std::move(closed)),
      observer_(observer),
      timer_(socket_.get_executor()) {}

void Connection::start() {
  // Who may not call has no reason to stay.
  if (!authorized_) set_clock(Clock::message);
  read();
}

void Connection::finish() {
  finishing_ = true;
  if (!busy_ && output_.empty()) close();
}

void Connection::close() {
  if (!socket_.is_open()) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  set_clock(Clock::stopped);
  output_.clear();
  pending_ = 0;
  descriptors_.clear();
  if (const auto call = let_go_of_call({.abandoned = true})) call->abandon();
  closed_(shared_from_this());
}

void Connection::read() {
  if (reading_ || closing_ || resting_ || !socket_.is_open()) return;
  // A client that sends ahead of a long call, or does not read its replies, is held back by its own socket. Otherwise it is read from all
  // the time: that is how its going away is noticed. Where replies are pending, waiting for room tells that too.
  if (!output_.empty()) return;
  if (is_held_back()) return watch_for_hangup();
  reading_ = true;
  socket_.async_wait(descriptor_base::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->reading_ = false;
                       if (!error) self->on_readable();
                     });
}

void Connection::watch_for_hangup() {
  if (std::exchange(watching_, true)) return;
  socket_.async_wait(descriptor_base::wait_error,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->watching_ = false;
                       // Once it is read from again, that comes to the end of what it has sent, and no sooner.
                       if (!error && self->is_held_back()) self->close();
                     });
}

void Connection::on_readable() {
  // rest() comes back to it: nothing is taken in before what there is has been served.
  if (resting_) return;
  if (!authorized_) return end_with("org.varlink.service.PermissionDenied", Json::object());
  // Several calls may have come; each is begun when the one before it is done.
  if (receive()) next_call();
  read();
}

bool Connection::receive() {
  constexpr std::size_t kChunk = 4096;
  constexpr std::size_t kMaximum = 1U << 20U;
  // The buffer grows with what has come. A message that is over the limit is noticed at most one chunk later.
  const std::size_t filled = input_.size();
  input_.resize(filled + std::clamp(filled, kChunk, kMaximum));
  times_.accepted = CallTimes::Clock::now();
  Received received;
  const ssize_t got = wire::receive_with_descriptors(
      socket_.native_handle(), {input_.data() + filled, input_.size() - filled}, received, MSG_DONTWAIT);
  const int error = errno;
  times_.read = CallTimes::Clock::now();
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

bool Connection::may_begin_call() const {
  return !busy_ && !resting_ && !closing_ && output_.empty() && socket_.is_open();
}

void Connection::next_call() {
  // A handler that replies at once comes back here; the loop, not the stack, takes the next call then.
  if (std::exchange(dispatching_, true)) return;
  for (int begun = 0; may_begin_call(); ++begun) {
    const auto end = input_.find('\0', searched_);
    searched_ = input_.size();
    if (std::min(end, input_.size()) - begin_ > limits_.message) {
      refuse("message");
      break;
    }
    if (end == std::string::npos) break;
    if (begun == kCallsInTurn) {
      searched_ = begin_;
      rest();
      break;
    }
    const std::size_t begin = std::exchange(begin_, end + 1);
    searched_ = begin_;
    begin_call(std::string_view(input_).substr(begin, end - begin));
  }
  // What has been served is dropped, when it is most of it, also where a call always begins before the last one ends.
  if (begin_ > kKept && begin_ > input_.size() / 2) {
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
  if (begin_ < input_.size() && may_begin_call()) set_clock(Clock::message);
}

void Connection::rest() {
  resting_ = true;
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->resting_ = false;
    self->next_call();
    self->read();
  });
}

void Connection::begin_call(std::string_view text) {
  auto message = decode_call(text, limits_.depth);
  if (!message) return refuse(message.error().key);
  busy_ = true;
  set_clock(Clock::stopped);
  auto call = std::make_shared<Call>(weak_from_this(), peer_, std::move(*message),
                                     std::exchange(descriptors_, {}), times_);
  call_ = call;
  dispatch_(std::move(call));
}

std::shared_ptr<Call> Connection::let_go_of_call(const CallEnd& end) {
  auto call = std::exchange(call_, {}).lock();
  if (call && observer_ != nullptr) observer_->call_ended(*call, end);
  return call;
}

void Connection::finish_call() {
  busy_ = false;
  // Had the next one come already, it would have waited for this one.
  if (begin_ < input_.size()) times_.accepted = times_.read = CallTimes::Clock::now();
  if (finishing_ && output_.empty()) return close();
  next_call();
  read();
}

void Connection::refuse(std::string_view parameter) {
  end_with("org.varlink.service.InvalidParameter", {{"parameter", parameter}});
}

void Connection::end_with(std::string_view error, const Json& parameters) {
  descriptors_.clear();
  closing_ = true;
  if (observer_ != nullptr) observer_->client_refused(*peer_, error, parameters);
  send(encode_error(error, parameters), {});
}

void Connection::send(std::string text, std::vector<base::ForeignFd> descriptors) {
  if (!socket_.is_open()) return;
  output_.push_back({std::move(text), 0, std::move(descriptors)});
  pending_ += output_.back().size();
  if (!writing_) write();
  if (pending_ > limits_.output) close();
}

bool Connection::write() {
  bool progress = false;
  while (socket_.is_open() && !output_.empty()) {
    Output& next = output_.front();
    std::vector<int> descriptors;
    for (const auto& descriptor : next.descriptors) descriptors.push_back(descriptor.get());
    iovec part{next.text.data() + next.sent, next.text.size() - next.sent};
    const ssize_t sent = wire::send_with_descriptors(socket_.native_handle(), {&part, 1}, descriptors,
                                                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      if (progress) set_clock(Clock::stopped);
      set_clock(Clock::reply);
      wait_for_room();
      return progress;
    }
    if (sent < 0) {
      close();
      return progress;
    }
    progress = true;
    next.descriptors.clear();
    next.sent += static_cast<std::size_t>(sent);
    if (next.sent < next.text.size()) continue;
    pending_ -= next.size();
    output_.pop_front();
  }
  set_clock(Clock::stopped);
  if (closing_ || (finishing_ && !busy_)) {
    close();
    return progress;
  }
  // What was held back while the client did not read.
  next_call();
  read();
  return progress;
}

void Connection::wait_for_room() {
  if (std::exchange(writing_, true)) return;
  socket_.async_wait(descriptor_base::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->writing_ = false;
                       if (!error && !self->output_.empty()) self->write();
                     });
}

void Connection::set_clock(Clock clock) {
  if (std::exchange(clock_, clock) == clock) return;
  if (clock == Clock::stopped) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(clock == Clock::message ? limits_.message_time : limits_.reply_time);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->on_late();
  });
}

void Connection::on_late() {
  // It may have been set anew when this was on its way already.
  if (clock_ == Clock::stopped || std::chrono::steady_clock::now() < timer_.expiry()) return;
  // A client that reads slowly: the kernel tells of room only when there is a lot of it (unix_writable).
  if (clock_ == Clock::reply && write()) return;
  close();
}

}  // namespace nsenterd::varlink
