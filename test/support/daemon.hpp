// A daemon of one's own, and a client that speaks to it byte by byte.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nlohmann/json.hpp>

#include <nsenterd/unique_fd.hpp>

#include "support/temporary_directory.hpp"

namespace nsenterd::test {

using Json = nlohmann::json;

/// The programs under test: from the environment, where the build puts them. Throws std::runtime_error.
std::string program_under_test(const char* variable);

/// A process that serves a unix socket in a directory of its own. Ended with SIGKILL, and waited for, at the
/// latest when destroyed.
class ServerProcess {
 public:
  /// "{socket}" among the arguments stands for the socket's path. Returns once it accepts connections.
  explicit ServerProcess(std::vector<std::string> arguments);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
  [[nodiscard]] std::string log() const;

  /// Sends the signal and waits: as CommandResult::status; -1 if it did not end in time.
  int end(int signal);
  void send_signal(int signal) const;
  /// Once it has ended: starts it again, for the same socket. Returns as the constructor does.
  void start_again();

 private:
  std::vector<std::string> arguments_;
  TemporaryDirectory directory_;
  std::filesystem::path socket_;
  pid_t pid_ = 0;
};

/// nsenterd, with the agent of this build.
class Daemon : public ServerProcess {
 public:
  Daemon() : Daemon(std::vector<std::string>{}) {}
  /// With further options on its command line.
  explicit Daemon(const std::vector<std::string>& options);

  /// The fork server: the daemon's oldest child of that name.
  [[nodiscard]] pid_t fork_server() const;
  /// All agents, running or dead: the daemon's children but the fork server.
  [[nodiscard]] std::vector<pid_t> agents() const;
};

/// A connection that sends what it is told to, right or wrong.
class RawClient {
 public:
  explicit RawClient(const std::filesystem::path& socket);
  /// Of a connection that somebody has made.
  explicit RawClient(UniqueFd socket) : socket_(std::move(socket)) {}

  /// Sends bytes, with descriptors if any; false if the peer has closed the connection.
  bool send(std::string_view bytes, const std::vector<int>& descriptors = {});
  /// The next message, without its NUL, or nothing at end-of-file. Throws std::runtime_error after ten
  /// seconds.
  std::optional<std::string> receive();
  /// Whether there is something to receive within that time, if only the end of the connection.
  [[nodiscard]] bool has_reply(std::chrono::milliseconds limit) const;
  /// Descriptors that came with what was received.
  std::vector<UniqueFd>& descriptors() { return descriptors_; }

  /// Sends a call and returns its reply. Throws if there is none.
  Json call(std::string_view method, const Json& parameters = Json::object(),
            const std::vector<int>& descriptors = {});
  /// SendRequest with the target's own namespaces of all kinds, but time.
  Json request(pid_t pid, const Json& message, Json more_parameters = Json::object());

  void close() { socket_.reset(); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  std::string input_;
  std::vector<UniqueFd> descriptors_;
};

/// Kibibytes of memory that a process occupies.
long resident_memory(pid_t pid);

/// Namespaces that every container here has.
inline const Json kContainerNamespaces = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};

inline Json read_request(const std::string& file, bool private_procfs = false) {
  return {{"message", "readFileRequest"},
          {"payload", {{"file", file}, {"offset", 0}, {"len", 65536}, {"MountProcfs", private_procfs}}}};
}

inline Json sleep_request(int seconds) {
  return {{"message", "sleepRequest"}, {"payload", {{"attr", std::to_string(seconds)}}}};
}

}  // namespace nsenterd::test
