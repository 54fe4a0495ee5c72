// The daemon's Varlink server in this process, with limits and methods of a test's own. Its sockets are real.
#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "support/temporary_directory.hpp"
#include "varlink/listener.hpp"
#include "varlink/server.hpp"

namespace nsenterd::test {

/// Serves the interface "test": `Echo` answers at once, with as many bytes as `size` says; `Wait` when told to; `Drop`
/// never; `Flood` sends as many replies as `count` says, of `size` bytes, and is then kept as `Wait` is.
class LocalServer {
 public:
  explicit LocalServer(const varlink::Limits& limits = {});
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer();

  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }

  /// Runs something in the server's thread, where all that follows may be used, and waits for it.
  template <typename Function>
  auto run(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    boost::asio::post(context_, [&task] { task(); });
    return result.get();
  }

  varlink::Server& server() { return *server_; }
  void destroy_server() { server_.reset(); }

  /// As seen by the server, from any thread.
  std::size_t connections();
  std::size_t calls_under_way();
  /// The replies to all `Wait`.
  void answer();

  /// How often a connection has ended, by its Peer; of those of which there was a call.
  std::map<const varlink::Peer*, int> ended;
  int ended_in_all = 0;
  int abandoned = 0;
  int flooded = 0;
  std::size_t calls = 0;
  bool authorizes = true;
  std::vector<std::shared_ptr<varlink::Call>> waiting;
  /// Peers are kept, so that no address is used twice.
  std::vector<std::shared_ptr<const varlink::Peer>> peers;

 private:
  void flood(const std::shared_ptr<varlink::Call>& call);
  void keep(const std::shared_ptr<varlink::Call>& call);
  varlink::Handler method(void (LocalServer::*serve)(const std::shared_ptr<varlink::Call>&));
  void echo(const std::shared_ptr<varlink::Call>& call);
  void drop(const std::shared_ptr<varlink::Call>& call);

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  TemporaryDirectory directory_;
  std::filesystem::path socket_;
  std::optional<varlink::Listener> listener_;
  std::optional<varlink::Server> server_;
  std::thread thread_;
};

}  // namespace nsenterd::test
