// Where commands come in. (Companion.)
#pragma once

#include <filesystem>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "companion.hpp"

namespace procfs_companion {

class ControlSocket {
 public:
  /// Listens from now on, for root alone. Throws std::system_error or std::runtime_error, also if somebody else listens there. The
  /// companion has to outlive the event loop's run.
  ControlSocket(const boost::asio::any_io_executor& executor, Companion& companion,
                std::filesystem::path path);
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;
  /// The socket is removed.
  ~ControlSocket();

 private:
  using Protocol = boost::asio::local::stream_protocol;
  void accept();

  Companion& companion_;
  std::filesystem::path path_;
  Protocol::acceptor acceptor_;
};

}  // namespace procfs_companion
