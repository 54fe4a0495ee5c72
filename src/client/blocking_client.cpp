#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <nsenterd/blocking_client.hpp>

#include "client/connection.hpp"
#include "client/event_call.hpp"
#include "client/retry.hpp"

namespace nsenterd {
namespace client {

/// The connections that are kept for the next call.
class BlockingPool {
 public:
  explicit BlockingPool(ClientOptions options) : options_(std::move(options)) {}

  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }

  std::unique_ptr<Connection> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  void keep(std::unique_ptr<Connection> connection) {
    if (!connection->is_usable()) return;
    (void)connection->take_back();
    const std::lock_guard lock(mutex_);
    if (idle_.size() < options_.idle_connections) idle_.push_back(std::move(connection));
  }

  /// Those that are kept are of a daemon that has ended.
  void clear() {
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }

 private:
  ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

namespace {

void pause_for(std::chrono::milliseconds time) {
  const timespec pause{0, std::chrono::nanoseconds(time).count()};
  ::nanosleep(&pause, nullptr);
}

/// Waits for a reply, unless somebody says stop: then the daemon sees the connection end. The socket is there for longer than the
/// callback, so that it cannot meet another's that has got its number.
Result<Reply> receive(Connection& connection, OutgoingCall* call, Deadline deadline,
                      const std::stop_token& stop) {
  const std::stop_callback ends(stop, [&] { ::shutdown(connection.socket(), SHUT_RDWR); });
  return call != nullptr ? connection.call(std::move(*call), deadline) : connection.receive(deadline);
}

/// One call, made until the daemon has it, and its connection.
class Attempt {
 public:
  Attempt(BlockingPool& pool, OutgoingCall call, Deadline deadline, const std::stop_token& stop)
      : pool_(pool),
        call_(std::move(call)),
        deadline_(deadline),
        stop_(stop),
        retry_(pool.options().patience, deadline),
        connection_(pool.take()) {}

  ClientResult<Reply> run() {
    for (;;) {
      auto reply = once();
      if (stop_.stop_requested() && !reply) return Cancelled{};
      if (reply) return std::move(*reply);
      const auto pause = retry_.after(reply.error(), Retry::Clock::now());
      if (!pause) return to_failure(reply.error());
      if (connection_) call_ = connection_->take_back();
      connection_.reset();
      pool_.clear();
      pause_for(*pause);
    }
  }

  /// Null if there is none.
  std::unique_ptr<Connection> take_connection() { return std::move(connection_); }

 private:
  Result<Reply> once() {
    if (!connection_) {
      auto channel = Channel::connect(pool_.options().socket);
      if (!channel) return channel.error();
      connection_ = std::make_unique<Connection>(std::move(*channel));
    }
    return receive(*connection_, &call_, deadline_, stop_);
  }

  BlockingPool& pool_;
  OutgoingCall call_;
  Deadline deadline_;
  const std::stop_token& stop_;
  Retry retry_;
  std::unique_ptr<Connection> connection_;
};

ClientResult<Reply> call(BlockingPool& pool, ClientResult<OutgoingCall> call, Deadline deadline,
                         const std::stop_token& stop) {
  if (!call) return call.error();
  Attempt attempt(pool, std::move(*call), deadline, stop);
  auto reply = attempt.run();
  auto connection = attempt.take_connection();
  if (connection && !stop.stop_requested()) pool.keep(std::move(connection));
  return reply;
}

}  // namespace
}  // namespace client

using client::Deadline;

BlockingEvent::BlockingEvent(std::string name, pid_t process_id, Deadline deadline,
                             std::unique_ptr<client::Connection> connection) noexcept
    : name_(std::move(name)),
      process_id_(process_id),
      deadline_(deadline),
      connection_(std::move(connection)) {}
BlockingEvent::BlockingEvent(BlockingEvent&&) noexcept = default;
BlockingEvent& BlockingEvent::operator=(BlockingEvent&&) noexcept = default;
BlockingEvent::~BlockingEvent() = default;

BlockingClient::BlockingClient(ClientOptions options)
    : pool_(std::make_unique<client::BlockingPool>(std::move(options))) {}
BlockingClient::BlockingClient(BlockingClient&&) noexcept = default;
BlockingClient& BlockingClient::operator=(BlockingClient&&) noexcept = default;
BlockingClient::~BlockingClient() = default;

ClientResult<Response> BlockingClient::send_request(const Envelope& envelope, const Message& request,
                                                    const std::stop_token& stop) {
  auto reply = client::call(*pool_, client::make_event_call(envelope, request, false),
                            client::deadline_of(envelope), stop);
  if (!reply) return reply.error();
  return client::take_response(std::move(*reply));
}

ClientResult<BlockingEvent> BlockingClient::start(const Envelope& envelope, const Message& request,
                                                  const std::stop_token& stop) {
  auto call = client::make_event_call(envelope, request, true);
  if (!call) return call.error();
  const Deadline deadline = client::deadline_of(envelope);
  client::Attempt attempt(*pool_, std::move(*call), deadline, stop);
  const auto reply = attempt.run();
  auto connection = attempt.take_connection();
  if (!reply) {
    if (connection) pool_->keep(std::move(connection));
    return reply.error();
  }
  // Its connection is at its end then, and the event with it.
  if (stop.stop_requested()) return Cancelled{};
  auto started = client::take_started(*reply);
  if (!started) return started.error();
  if (!reply->continues) return client::malformed_reply();
  return BlockingEvent(std::move(started->name), started->process_id, deadline, std::move(connection));
}

ClientResult<Response> BlockingClient::receive(BlockingEvent& event, const std::stop_token& stop) {
  auto connection = std::move(event.connection_);
  if (!connection) return NoSuchEvent{event.name_};
  auto reply = client::receive(*connection, nullptr, event.deadline_, stop);
  if (!reply && stop.stop_requested()) return Cancelled{};
  // A second response would be taken for the next call's.
  if (reply && reply->continues) return client::malformed_reply();
  if (!stop.stop_requested()) pool_->keep(std::move(connection));
  if (!reply) return client::to_failure(reply.error());
  return client::take_response(std::move(*reply));
}

ClientResult<std::monostate> BlockingClient::terminate(const std::string& event,
                                                       const std::stop_token& stop) {
  const auto reply = call("io.nsenterd.TerminateRequest", {{"event", event}}, stop);
  if (!reply) return reply.error();
  return std::monostate{};
}

ClientResult<nlohmann::json> BlockingClient::call(const std::string& method, const nlohmann::json& parameters,
                                                  const std::stop_token& stop) {
  auto reply =
      client::call(*pool_, client::make_method_call(method, parameters), client::deadline_of_method(), stop);
  if (!reply) return reply.error();
  return client::take_parameters(std::move(*reply));
}

}  // namespace nsenterd
