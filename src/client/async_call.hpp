// A call that is under way on an event loop, and the connections that are kept there for the next (client's side).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/client_options.hpp>

#include "client/channel.hpp"
#include "client/event_call.hpp"
#include "client/retry.hpp"

namespace nsenterd::client {

/// A channel and what watches its socket.
class AsyncChannel {
 public:
  /// TransportFailure if the service cannot be reached, or the socket not be watched.
  static Result<std::unique_ptr<AsyncChannel>> connect(const std::string& path,
                                                       const boost::asio::any_io_executor& executor);
  AsyncChannel(const AsyncChannel&) = delete;
  AsyncChannel& operator=(const AsyncChannel&) = delete;
  ~AsyncChannel() { watcher.release(); }

  Channel channel;
  // The socket stays the channel's.
  boost::asio::posix::stream_descriptor watcher;

 private:
  AsyncChannel(Channel connected, const boost::asio::any_io_executor& executor)
      : channel(std::move(connected)), watcher(executor, channel.socket()) {}
};

class AsyncCall;

/// What the calls of one client share.
class AsyncPool {
 public:
  AsyncPool(boost::asio::any_io_executor executor, ClientOptions options)
      : executor_(std::move(executor)), options_(std::move(options)) {}

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }

  /// The one that was used last; null if there is none.
  std::unique_ptr<AsyncChannel> take();
  /// Keeps a channel whose call has been answered, if there is room.
  void keep(std::unique_ptr<AsyncChannel> channel);
  /// Those that are kept are of a daemon that has ended.
  void clear() { idle_.clear(); }

  void add(const std::shared_ptr<AsyncCall>& call) { calls_.insert(call); }
  void remove(const std::shared_ptr<AsyncCall>& call) { calls_.erase(call); }
  /// The client goes away: its calls are cancelled, and nothing is kept.
  void stop();

 private:
  boost::asio::any_io_executor executor_;
  ClientOptions options_;
  std::vector<std::unique_ptr<AsyncChannel>> idle_;
  std::unordered_set<std::shared_ptr<AsyncCall>> calls_;
  bool stopped_ = false;
};

class AsyncCall : public std::enable_shared_from_this<AsyncCall> {
 public:
  /// What comes of a call. With a reply that continues goes the channel on which the next will come.
  using Done = std::function<void(ClientResult<Reply>, std::unique_ptr<AsyncChannel>)>;

  AsyncCall(std::shared_ptr<AsyncPool> pool, Deadline deadline, Done done);

  /// Makes a call on a connection that is kept, or on a new one.
  void start(OutgoingCall call);
  /// Waits for the next reply to a call that was made on this channel.
  void resume(std::unique_ptr<AsyncChannel> channel);
  /// Ends it, if it is under way: the daemon sees its connection close.
  void cancel();

 private:
  void begin();
  void proceed();
  void fail(const CallError& error);
  void begin_after(std::chrono::milliseconds pause);
  void watch_deadline();
  /// An answer that has come already, although nobody has looked for it yet.
  std::optional<Reply> take_arrived();
  void finish(ClientResult<Reply> outcome);

  std::shared_ptr<AsyncPool> pool_;
  Deadline deadline_;
  Done done_;
  // Nothing for a call that has been made already.
  std::optional<Retry> retry_;
  // Until a channel has it.
  OutgoingCall call_;
  std::unique_ptr<AsyncChannel> channel_;
  // What became of the last attempt, until the next one begins.
  std::optional<CallError> seen_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer pause_;
  // Whoever starts or cancels a call is not to be called by it.
  bool inside_ = false;
};

}  // namespace nsenterd::client
