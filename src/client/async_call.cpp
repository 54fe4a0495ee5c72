#include "client/async_call.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace nsenterd::client {

using boost::asio::posix::descriptor_base;

Result<std::unique_ptr<AsyncChannel>> AsyncChannel::connect(const std::string& path,
                                                            const boost::asio::any_io_executor& executor) {
  auto channel = Channel::connect(path);
  if (!channel) return channel.error();
  try {
    return std::unique_ptr<AsyncChannel>(new AsyncChannel(std::move(*channel), executor));
  } catch (const boost::system::system_error& failure) {
    return TransportFailure{"connect", failure.code().value(), false};
  }
}

std::unique_ptr<AsyncChannel> AsyncPool::take() {
  if (idle_.empty()) return nullptr;
  auto channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void AsyncPool::keep(std::unique_ptr<AsyncChannel> channel) {
  if (stopped_ || !channel->channel.is_usable() || idle_.size() >= options_.idle_connections) return;
  (void)channel->channel.take_back();
  idle_.push_back(std::move(channel));
}

void AsyncPool::stop() {
  stopped_ = true;
  idle_.clear();
  for (const auto& call : std::exchange(calls_, {})) call->cancel();
}

AsyncCall::AsyncCall(std::shared_ptr<AsyncPool> pool, Deadline deadline, Done done)
    : pool_(std::move(pool)),
      deadline_(deadline),
      done_(std::move(done)),
      timer_(pool_->executor()),
      pause_(pool_->executor()) {}

void AsyncCall::start(OutgoingCall call) {
  pool_->add(shared_from_this());
  retry_.emplace(pool_->options().patience, deadline_);
  call_ = std::move(call);
  channel_ = pool_->take();
  watch_deadline();
  inside_ = true;
  begin();
  inside_ = false;
}

void AsyncCall::resume(std::unique_ptr<AsyncChannel> channel) {
  pool_->add(shared_from_this());
  channel_ = std::move(channel);
  watch_deadline();
  inside_ = true;
  proceed();
  inside_ = false;
}

void AsyncCall::cancel() {
  if (!done_) return;
  inside_ = true;
  if (auto reply = take_arrived()) {
    finish(std::move(*reply));
  } else {
    channel_.reset();
    finish(Cancelled{});
  }
  inside_ = false;
}

std::optional<Reply> AsyncCall::take_arrived() {
  if (!channel_ || !channel_->channel.is_sent()) return std::nullopt;
  auto step = channel_->channel.advance();
  auto* const reply = std::get_if<Result<Reply>>(&step);
  if (reply == nullptr || !*reply) return std::nullopt;
  return std::move(**reply);
}

void AsyncCall::begin() {
  seen_.reset();
  if (!channel_) {
    auto channel = AsyncChannel::connect(pool_->options().socket, pool_->executor());
    if (!channel) return fail(channel.error());
    channel_ = std::move(*channel);
  }
  channel_->channel.begin(std::move(call_));
  proceed();
}

void AsyncCall::proceed() {
  auto step = channel_->channel.advance();
  if (auto* reply = std::get_if<Result<Reply>>(&step)) {
    if (!*reply) return fail(reply->error());
    return finish(std::move(**reply));
  }
  const auto what =
      std::get<Wait>(step) == Wait::readable ? descriptor_base::wait_read : descriptor_base::wait_write;
  channel_->watcher.async_wait(what, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->done_) self->proceed();
  });
}

void AsyncCall::fail(const CallError& error) {
  const auto pause = retry_ ? retry_->after(error, Retry::Clock::now()) : std::nullopt;
  if (!pause) return finish(to_failure(error));
  if (channel_) call_ = channel_->channel.take_back();
  channel_.reset();
  seen_ = error;
  // They are connections to a daemon that is going, or has gone.
  pool_->clear();
  begin_after(*pause);
}

void AsyncCall::begin_after(std::chrono::milliseconds pause) {
  pause_.expires_after(pause);
  pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->done_) self->begin();
  });
}

void AsyncCall::watch_deadline() {
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || !self->done_) return;
    self->channel_.reset();
    // Between two attempts nothing has been sent that could be late.
    if (self->seen_) return self->finish(to_failure(*self->seen_));
    self->finish(TimedOut{});
  });
}

void AsyncCall::finish(ClientResult<Reply> outcome) {
  timer_.cancel();
  pause_.cancel();
  // Of a call that has more to come the channel goes along; any other that has been answered leaves it to the next.
  if (channel_ && !(outcome && outcome->continues)) pool_->keep(std::exchange(channel_, nullptr));
  auto report = [done = std::exchange(done_, nullptr), outcome = std::move(outcome),
                 channel = std::exchange(channel_, nullptr)]() mutable {
    done(std::move(outcome), std::move(channel));
  };
  pool_->remove(shared_from_this());
  if (!inside_) return report();
  boost::asio::post(pool_->executor(), std::move(report));
}

}  // namespace nsenterd::client
