// The same requests without blocking: the completion tokens of Asio. Each function has an event loop of its own here; a program has one.
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <variant>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <nsenterd/client.hpp>

#include "ways.hpp"

namespace client_messages {

using boost::asio::io_context;
using nsenterd::Client;
using nsenterd::ClientResult;
using namespace nsenterd::requests;

// Both requests are under way at the same time.
std::string with_callback(Container& container) {
  io_context context;
  Client client(context.get_executor(), {.socket = container.socket});
  std::size_t bytes = 0;
  std::size_t entries = 0;
  client.async_request(container.envelope, ReadFile{.path = kFile},
                       [&](ClientResult<std::string> content) { bytes = content.value().size(); });
  client.async_request(
      container.envelope, ReadDir{.path = "/tmp"},
      [&](ClientResult<std::vector<FileInfo>> directory) { entries = directory.value().size(); });
  // Returns when nothing is under way any more.
  context.run();
  expect(bytes == sizeof kContent - 1 && entries != 0, "other answers");
  return "read " + std::to_string(bytes) + " bytes, and " + std::to_string(entries) + " entries";
}

namespace {

boost::asio::awaitable<std::string> read_in_two_steps(Client& client, const Container& container) {
  const Lookup lookup{.path = kFile};
  const auto info = co_await client.async_request(container.envelope, lookup, boost::asio::use_awaitable);
  const ReadFile read{.path = kFile, .length = info.value().status.st_size};
  auto content = co_await client.async_request(container.envelope, read, boost::asio::use_awaitable);
  co_return std::move(content.value());
}

}  // namespace

std::string with_coroutine(Container& container) {
  io_context context;
  Client client(context.get_executor(), {.socket = container.socket});
  std::string content;
  boost::asio::co_spawn(context, read_in_two_steps(client, container),
                        [&](const std::exception_ptr& thrown, std::string result) {
                          if (thrown) std::rethrow_exception(thrown);
                          content = std::move(result);
                        });
  context.run();
  expect(content == kContent, "not what was written");
  return "read " + std::to_string(content.size()) + " bytes";
}

// The thread that waits must not be the one that runs the event loop.
std::string with_future(Container& container) {
  io_context context;
  Client client(context.get_executor(), {.socket = container.socket});
  auto future = client.async_request(container.envelope, UidInfo{.user = "root"}, boost::asio::use_future);
  std::jthread loop([&] { context.run(); });
  const uid_t id = future.get().value();
  return "root is user " + std::to_string(id);
}

// As a stop token does for BlockingClient.
std::string cancelled_by_slot(Container& container) {
  io_context context;
  Client client(context.get_executor(), {.socket = container.socket});
  boost::asio::cancellation_signal signal;
  std::optional<ClientResult<std::monostate>> outcome;
  client.async_request(container.envelope, Sleep{.seconds = 60},
                       boost::asio::bind_cancellation_slot(
                           signal.slot(), [&](ClientResult<std::monostate> slept) { outcome = slept; }));
  boost::asio::steady_timer timer(context, std::chrono::milliseconds(100));
  timer.async_wait([&](boost::system::error_code) { signal.emit(boost::asio::cancellation_type::terminal); });
  context.run();
  expect(outcome && !*outcome && std::holds_alternative<nsenterd::Cancelled>(outcome->error()),
         "another end");
  return to_string(outcome->error());
}

}  // namespace client_messages
