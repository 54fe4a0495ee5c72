// Client: asks nsenterd over its socket, without blocking.
//
//   boost::asio::io_context context;
//   nsenterd::Client client(context.get_executor());
//   nsenterd::Envelope container{.target = pid, .namespaces = nsenterd::Namespaces::all()};
//   client.async_request(container, nsenterd::requests::ReadFile{.path = "/etc/hostname"},
//                        [](nsenterd::ClientResult<std::string> content) { ... });
//   context.run();
//
// blocking_client.hpp has the same for programs that wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <nlohmann/json.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/client_failure.hpp>
#include <nsenterd/client_options.hpp>
#include <nsenterd/completion.hpp>
#include <nsenterd/envelope.hpp>
#include <nsenterd/message.hpp>
#include <nsenterd/requests.hpp>

namespace nsenterd {

namespace client {
class AsyncChannel;
class AsyncPool;
}  // namespace client

/// An asynchronous event that this program has started. It ends when this is destroyed: the daemon terminates what belongs to a
/// connection that closes. It is used where its client is, and may outlive it.
class NSENTERD_API ClientEvent {
 public:
  ClientEvent(ClientEvent&&) noexcept;
  ClientEvent& operator=(ClientEvent&&) noexcept;
  ClientEvent(const ClientEvent&) = delete;
  ClientEvent& operator=(const ClientEvent&) = delete;
  ~ClientEvent();

  /// What TargetEvent and Client::async_terminate call it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The agent's, as this process's pid namespace numbers it; 0 if that does not show it.
  [[nodiscard]] pid_t process_id() const noexcept { return process_id_; }

 private:
  friend class Client;
  ClientEvent(std::string name, pid_t process_id, std::chrono::steady_clock::time_point deadline,
              std::unique_ptr<client::AsyncChannel> channel) noexcept;

  std::string name_;
  pid_t process_id_;
  std::chrono::steady_clock::time_point deadline_;
  /// The connection that owns the event; null once its response has been received.
  std::unique_ptr<client::AsyncChannel> channel_;
};

/// Carries requests to the daemon. Any number may be under way: each has a connection of its own, because the calls of one connection
/// are answered in order, and a request made while another is served (by a FUSE server, say) must never wait for that one.
/// Connections are kept for the next call. There is no limit here, and nothing queues; the daemon has limits, and says Overloaded.
///
/// Where a daemon ends and another one starts, calls that it had not begun are sent again to the next; it is certain that they were not
/// (docs/client.md). A call that may have been carried out is never repeated: Disconnected.
///
/// Completion tokens are Asio's. A call is cancelled through the token's cancellation slot, which ends the event in the daemon, and its
/// outcome is Cancelled. Everything happens on the executor given; not thread-safe: used where that executor runs, and if several threads
/// run it, give this a strand. A handler is never called from within the function that starts the call. Calls under way when the
/// client is destroyed are Cancelled.
class NSENTERD_API Client {
 public:
  /// Connects with the first call.
  explicit Client(boost::asio::any_io_executor executor, ClientOptions options = {});
  Client(Client&&) noexcept = default;
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Makes a request and waits for its response, by type: void(ClientResult<R::Response>). The envelope is to have no
  /// following_requests.
  template <Request R, class CompletionToken>
  auto async_request(const Envelope& envelope, const R& request, CompletionToken&& token) {
    using Outcome = ClientResult<typename R::Response>;
    return initiate<Outcome>(
        [this, &envelope, &request](std::function<void(Outcome)> handler) {
          return start_request(envelope, request.message(),
                               [handler = std::move(handler)](ClientResult<Response> response) {
                                 handler(response ? R::decode(*response) : Outcome(response.error()));
                               });
        },
        std::forward<CompletionToken>(token));
  }

  /// The same of any message: void(ClientResult<Response>). An errorResponse is a response here.
  template <class CompletionToken>
  auto async_send_request(const Envelope& envelope, const Message& request, CompletionToken&& token) {
    return initiate<ClientResult<Response>>(
        [this, &envelope, &request](auto handler) {
          return start_request(envelope, request, std::move(handler));
        },
        std::forward<CompletionToken>(token));
  }

  /// Starts an asynchronous event; done when its agent runs and has the request: void(ClientResult<ClientEvent>).
  template <class CompletionToken>
  auto async_start(const Envelope& envelope, const Message& request, CompletionToken&& token) {
    return initiate<ClientResult<ClientEvent>>(
        [this, &envelope, &request](auto handler) {
          return start_event(envelope, request, std::move(handler));
        },
        std::forward<CompletionToken>(token));
  }

  /// Waits for the response of an event, which is received once: void(ClientResult<Response>). From here on the event is the
  /// call's: cancelling that ends it, destroying the ClientEvent does not. NoSuchEvent if it has been received, or is being.
  template <class CompletionToken>
  auto async_receive(ClientEvent& event, CompletionToken&& token) {
    return initiate<ClientResult<Response>>(
        [this, &event](auto handler) { return start_receive(event, std::move(handler)); },
        std::forward<CompletionToken>(token));
  }

  /// Ends an event; done when its agent is gone: void(ClientResult<std::monostate>). No error if it has ended.
  template <class CompletionToken>
  auto async_terminate(const std::string& event, CompletionToken&& token) {
    return initiate<ClientResult<std::monostate>>(
        [this, &event](auto handler) { return start_terminate(event, std::move(handler)); },
        std::forward<CompletionToken>(token));
  }

  /// Calls any method, such as "io.nsenterd.GetStatistics", that gives one reply: void(ClientResult<nlohmann::json>), an
  /// object. `parameters` is one too.
  template <class CompletionToken>
  auto async_call(const std::string& method, const nlohmann::json& parameters, CompletionToken&& token) {
    return initiate<ClientResult<nlohmann::json>>(
        [this, &method, &parameters](auto handler) {
          return start_call(method, parameters, std::move(handler));
        },
        std::forward<CompletionToken>(token));
  }

 private:
  template <class Outcome>
  using Handler = std::function<void(Outcome)>;
  /// What cancels a call for as long as it is under way.
  using Cancel = std::function<void()>;

  Cancel start_request(const Envelope& envelope, const Message& request,
                       Handler<ClientResult<Response>> handler);
  Cancel start_event(const Envelope& envelope, const Message& request,
                     Handler<ClientResult<ClientEvent>> handler);
  Cancel start_receive(ClientEvent& event, Handler<ClientResult<Response>> handler);
  Cancel start_terminate(const std::string& event, Handler<ClientResult<std::monostate>> handler);
  Cancel start_call(const std::string& method, const nlohmann::json& parameters,
                    Handler<ClientResult<nlohmann::json>> handler);

  template <class Outcome, class Start, class CompletionToken>
  auto initiate(Start start, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(Outcome)>(
        [this, start = std::move(start)](auto handler) mutable {
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          auto cancel = start(keep_handler<Outcome>(std::move(handler), default_executor()));
          if (slot.is_connected())
            slot.assign([cancel = std::move(cancel)](boost::asio::cancellation_type /*type*/) { cancel(); });
        },
        token);
  }

  [[nodiscard]] boost::asio::any_io_executor default_executor() const;

  std::shared_ptr<client::AsyncPool> pool_;
};

}  // namespace nsenterd
