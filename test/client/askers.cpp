#include "askers.hpp"

#include <optional>
#include <stop_token>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace nsenterd::test {
namespace {

class AsyncAsker : public Asker {
 public:
  explicit AsyncAsker(ClientOptions options) : client_(context_.get_executor(), std::move(options)) {}

  ClientResult<Response> send(const Envelope& envelope, const Message& request) override {
    std::optional<ClientResult<Response>> outcome;
    client_.async_send_request(envelope, request,
                               [&](ClientResult<Response> response) { outcome = std::move(response); });
    context_.restart();
    context_.run();
    return std::move(*outcome);
  }

  ClientResult<Response> send_cancelled(const Envelope& envelope, const Message& request,
                                        std::chrono::milliseconds after) override {
    std::optional<ClientResult<Response>> outcome;
    boost::asio::cancellation_signal cancel;
    boost::asio::steady_timer timer(context_, after);
    timer.async_wait([&](auto /*error*/) { cancel.emit(boost::asio::cancellation_type::total); });
    client_.async_send_request(
        envelope, request,
        boost::asio::bind_cancellation_slot(
            cancel.slot(), [&](ClientResult<Response> response) { outcome = std::move(response); }));
    context_.restart();
    context_.run();
    return std::move(*outcome);
  }

 private:
  boost::asio::io_context context_;
  Client client_;
};

class BlockingAsker : public Asker {
 public:
  explicit BlockingAsker(ClientOptions options) : client_(std::move(options)) {}

  ClientResult<Response> send(const Envelope& envelope, const Message& request) override {
    return client_.send_request(envelope, request);
  }

  ClientResult<Response> send_cancelled(const Envelope& envelope, const Message& request,
                                        std::chrono::milliseconds after) override {
    std::stop_source stop;
    const std::jthread stopper([&] {
      std::this_thread::sleep_for(after);
      stop.request_stop();
    });
    return client_.send_request(envelope, request, stop.get_token());
  }

 private:
  BlockingClient client_;
};

}  // namespace

std::unique_ptr<Asker> make_asker(AskerKind kind, ClientOptions options) {
  if (kind == AskerKind::asynchronous) return std::make_unique<AsyncAsker>(std::move(options));
  return std::make_unique<BlockingAsker>(std::move(options));
}

}  // namespace nsenterd::test
