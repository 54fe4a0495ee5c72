// The socket that seccomp profiles name as their "listenerPath". (Agent.)
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <sys/stat.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "handshake.hpp"

namespace seccomp_agent {

/// Listens on a path that only root can connect to. A socket that nobody listens on any more is replaced. Removes the path when
/// destroyed, if it is still its own.
class Listener {
 public:
  /// Throws std::system_error.
  Listener(const boost::asio::any_io_executor& executor, std::filesystem::path path,
           Handshake::OnProcess on_process);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// No process is handed over after this.
  void stop();

 private:
  void bind();
  void accept();
  void greet(Handshake::Socket socket);

  std::filesystem::path path_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  Handshake::OnProcess on_process_;
  std::vector<std::weak_ptr<Handshake>> handshakes_;
  struct stat own_ {};
};

}  // namespace seccomp_agent
