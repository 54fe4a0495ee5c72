// BlockingClient: asks nsenterd over its socket, and waits for the answer.
//
//   nsenterd::BlockingClient client;
//   nsenterd::Envelope container{.target = pid, .namespaces = nsenterd::Namespaces::all()};
//   const auto content = client.request(container, nsenterd::requests::ReadFile{.path = "/etc/hostname"});
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include <sys/types.h>

#include <nlohmann/json.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/client_failure.hpp>
#include <nsenterd/client_options.hpp>
#include <nsenterd/envelope.hpp>
#include <nsenterd/message.hpp>
#include <nsenterd/requests.hpp>

namespace nsenterd {

namespace client {
class BlockingPool;
class Connection;
}  // namespace client

/// As ClientEvent. One thread at a time uses it.
class NSENTERD_API BlockingEvent {
 public:
  BlockingEvent(BlockingEvent&&) noexcept;
  BlockingEvent& operator=(BlockingEvent&&) noexcept;
  BlockingEvent(const BlockingEvent&) = delete;
  BlockingEvent& operator=(const BlockingEvent&) = delete;
  ~BlockingEvent();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] pid_t process_id() const noexcept { return process_id_; }

 private:
  friend class BlockingClient;
  BlockingEvent(std::string name, pid_t process_id, std::chrono::steady_clock::time_point deadline,
                std::unique_ptr<client::Connection> connection) noexcept;

  std::string name_;
  pid_t process_id_;
  std::chrono::steady_clock::time_point deadline_;
  std::unique_ptr<client::Connection> connection_;
};

/// As Client, for programs that wait, from any number of threads at once: each call has a connection of its own. The methods are
/// those of Client, with the same errors. A call is cancelled by its stop token. Never raises SIGPIPE.
class NSENTERD_API BlockingClient {
 public:
  explicit BlockingClient(ClientOptions options = {});
  BlockingClient(BlockingClient&&) noexcept;
  BlockingClient& operator=(BlockingClient&&) noexcept;
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;
  /// No call may be under way.
  ~BlockingClient();

  template <Request R>
  ClientResult<typename R::Response> request(const Envelope& envelope, const R& request,
                                             const std::stop_token& stop = {}) {
    auto response = send_request(envelope, request.message(), stop);
    if (!response) return response.error();
    return R::decode(*response);
  }

  ClientResult<Response> send_request(const Envelope& envelope, const Message& request,
                                      const std::stop_token& stop = {});
  ClientResult<BlockingEvent> start(const Envelope& envelope, const Message& request,
                                    const std::stop_token& stop = {});
  ClientResult<Response> receive(BlockingEvent& event, const std::stop_token& stop = {});
  ClientResult<std::monostate> terminate(const std::string& event, const std::stop_token& stop = {});
  ClientResult<nlohmann::json> call(const std::string& method, const nlohmann::json& parameters,
                                    const std::stop_token& stop = {});

 private:
  std::unique_ptr<client::BlockingPool> pool_;
};

}  // namespace nsenterd
