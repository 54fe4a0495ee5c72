// One connection of a container runtime, which hands a filter's descriptor over. (Agent.)
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/unique_fd.hpp>

#include "container_process.hpp"

namespace seccomp_agent {

/// Reads the state of a container process, and the descriptors that come with it. Keeps itself alive until it has them, or the runtime
/// has done something wrong, or has taken five seconds: that is logged, and everything closed.
class Handshake : public std::enable_shared_from_this<Handshake> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  /// What a handshake brings. The descriptor is the filter's, as far as the runtime says.
  using OnProcess = std::function<void(ContainerProcess, nsenterd::UniqueFd)>;

  Handshake(Socket socket, OnProcess on_process);
  void start();
  /// From now on nothing happens any more.
  void stop();

 private:
  void wait();
  /// Throws std::exception if something is wrong.
  void read();
  void finish();
  void fail(const std::string& problem);

  Socket socket_;
  boost::asio::steady_timer timer_;
  OnProcess on_process_;
  std::string text_;
  std::vector<nsenterd::UniqueFd> descriptors_;
};

}  // namespace seccomp_agent
