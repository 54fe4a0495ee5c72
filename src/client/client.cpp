#include <utility>

#include <boost/asio/post.hpp>

#include <nsenterd/client.hpp>

#include "client/async_call.hpp"
#include "client/event_call.hpp"

namespace nsenterd {

using client::AsyncCall;
using client::AsyncChannel;
using client::Deadline;
using client::OutgoingCall;
using client::Reply;

namespace {

using Cancel = std::function<void()>;

Cancel canceller_of(const std::shared_ptr<AsyncCall>& call) {
  return [weak = std::weak_ptr(call)] {
    if (const auto under_way = weak.lock()) under_way->cancel();
  };
}

/// Makes a call. What cannot even be said is an error as any other.
Cancel start(const std::shared_ptr<client::AsyncPool>& pool, ClientResult<OutgoingCall> call,
             Deadline deadline, AsyncCall::Done done) {
  if (!call) {
    boost::asio::post(pool->executor(),
                      [done = std::move(done), failure = call.error()] { done(failure, nullptr); });
    return [] {};
  }
  auto under_way = std::make_shared<AsyncCall>(pool, deadline, std::move(done));
  under_way->start(std::move(*call));
  return canceller_of(under_way);
}

/// Hands over what a reply is taken for.
template <class T, class Take>
AsyncCall::Done taking(std::function<void(ClientResult<T>)> handler, Take take) {
  return [handler = std::move(handler), take](ClientResult<Reply> reply,
                                              std::unique_ptr<AsyncChannel> /*channel*/) {
    handler(reply ? take(std::move(*reply)) : ClientResult<T>(reply.error()));
  };
}

}  // namespace

ClientEvent::ClientEvent(std::string name, pid_t process_id, Deadline deadline,
                         std::unique_ptr<AsyncChannel> channel) noexcept
    : name_(std::move(name)), process_id_(process_id), deadline_(deadline), channel_(std::move(channel)) {}
ClientEvent::ClientEvent(ClientEvent&&) noexcept = default;
ClientEvent& ClientEvent::operator=(ClientEvent&&) noexcept = default;
ClientEvent::~ClientEvent() = default;

Client::Client(boost::asio::any_io_executor executor, ClientOptions options)
    : pool_(std::make_shared<client::AsyncPool>(std::move(executor), std::move(options))) {}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(pool_, other.pool_);
  return *this;
}

Client::~Client() {
  if (pool_) pool_->stop();
}

boost::asio::any_io_executor Client::default_executor() const {
  return pool_->executor();
}

Client::Cancel Client::start_request(const Envelope& envelope, const Message& request,
                                     Handler<ClientResult<Response>> handler) {
  return start(pool_, client::make_event_call(envelope, request, false), client::deadline_of(envelope),
               taking(std::move(handler), client::take_response));
}

Client::Cancel Client::start_event(const Envelope& envelope, const Message& request,
                                   Handler<ClientResult<ClientEvent>> handler) {
  const Deadline deadline = client::deadline_of(envelope);
  return start(
      pool_, client::make_event_call(envelope, request, true), deadline,
      [handler = std::move(handler), deadline](ClientResult<Reply> reply,
                                               std::unique_ptr<AsyncChannel> channel) {
        if (!reply) return handler(reply.error());
        auto started = client::take_started(*reply);
        if (!started) return handler(started.error());
        if (!channel) return handler(client::malformed_reply());
        handler(ClientEvent(std::move(started->name), started->process_id, deadline, std::move(channel)));
      });
}

Client::Cancel Client::start_receive(ClientEvent& event, Handler<ClientResult<Response>> handler) {
  auto done = taking(std::move(handler), client::take_response);
  if (!event.channel_) {
    boost::asio::post(pool_->executor(),
                      [done = std::move(done), name = event.name_] { done(NoSuchEvent{name}, nullptr); });
    return [] {};
  }
  auto under_way = std::make_shared<AsyncCall>(pool_, event.deadline_, std::move(done));
  under_way->resume(std::move(event.channel_));
  return canceller_of(under_way);
}

Client::Cancel Client::start_terminate(const std::string& event,
                                       Handler<ClientResult<std::monostate>> handler) {
  return start(pool_, client::make_method_call("io.nsenterd.TerminateRequest", {{"event", event}}),
               client::deadline_of_method(), taking(std::move(handler), [](const Reply& /*reply*/) {
                 return ClientResult<std::monostate>(std::monostate{});
               }));
}

Client::Cancel Client::start_call(const std::string& method, const nlohmann::json& parameters,
                                  Handler<ClientResult<nlohmann::json>> handler) {
  return start(pool_, client::make_method_call(method, parameters), client::deadline_of_method(),
               taking(std::move(handler), client::take_parameters));
}

}  // namespace nsenterd
