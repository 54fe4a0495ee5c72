// What the service manager that has started the daemon (systemd) hands to it, and is told by it (daemon): sd_listen_fds(3),
// sd_notify(3).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::daemon {

/// Where there is none, or the build is without libsystemd, nothing has been handed over, and nobody is told anything.
class ServiceManager {
 public:
  /// Takes what is said about it out of the environment, which later processes inherit.
  ServiceManager();

  /// The listening sockets that were handed over, ready to be served: non-blocking, and not for other programs. Throws
  /// std::runtime_error if one is something else, or another one's: who hands over a socket wants it to be served. Called once.
  static std::vector<UniqueFd> take_sockets();

  /// Whether anybody listens to what follows.
  [[nodiscard]] bool is_listening() const noexcept { return !notify_socket_.empty(); }
  /// How often alive() is expected, at least; nothing if it is not.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_time() const noexcept {
    return watchdog_time_;
  }

  /// Requests are being served: at the start, and when what reloading() announced has been done.
  void ready();
  /// The configuration is being read anew. ready() follows.
  void reloading();
  /// The daemon is about to end, and says when it will have ended at the latest.
  void stopping(std::chrono::microseconds limit);
  /// The event loop turns.
  void alive();
  /// One line for people.
  void status(const std::string& text);

 private:
  void notify(const std::string& state);

  std::string notify_socket_;
  std::optional<std::chrono::microseconds> watchdog_time_;
};

}  // namespace nsenterd::daemon
