// A daemon to measure, and a client of it that does as little as a client can: how a call looks it is told, and of a reply it
// knows the end.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nsenterd/message.hpp>
#include <nsenterd/unique_fd.hpp>

#include "support/daemon.hpp"

namespace nsenterd::bench {

/// One read of a file, or of a directory, with all namespaces of the target joined.
struct Request {
  pid_t target = 0;
  std::string path;
  /// Of a file; a directory is listed whole.
  std::size_t length = 1024;
  bool is_directory = false;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

/// The request's message, and the type of the answer.
Message message_of(const Request& request);
const char* response_type(const Request& request);

/// Where the programs are.
struct Programs {
  std::string daemon;
  std::string agent;
  std::string floor;
  /// bench-module, linked in two ways.
  std::string module_static;
  std::string module_dynamic;
  /// examples/procfs-companion.
  std::string companion;
};

/// The command line of a daemon on a socket of its own, for a test::ServerProcess. It ends with this process, whatever becomes
/// of that.
std::vector<std::string> daemon_command(const Programs& programs,
                                        const std::vector<std::string>& options = {});

/// With its NUL.
std::string send_request_call(const Request& request);

class Client {
 public:
  /// Throws std::system_error, as all do, where the system or the daemon does not do what it should.
  explicit Client(const std::string& socket);

  void send(std::string_view call);
  /// Takes in what there is, of which there has to be some if `flags` (recv(2)) has MSG_DONTWAIT. Whether the reply is
  /// whole.
  bool receive(int flags = 0);
  /// The whole reply, without its NUL, until the next call is sent.
  [[nodiscard]] std::string_view reply() const { return {buffer_.data(), filled_ - 1}; }
  /// The same, of a request: throws what came if that is not the answer.
  void expect(std::string_view response_type) const;

  std::string_view exchange(std::string_view call);

  /// From any thread: ends the exchange that is under way.
  void end() const;
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  // Never smaller than it once was: its pages are there when they are measured.
  std::vector<char> buffer_ = std::vector<char>(4096);
  std::size_t filled_ = 0;
};

}  // namespace nsenterd::bench
