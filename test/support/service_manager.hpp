// The part of systemd that starts a daemon: hands sockets over to it, and is told how it is. sd_listen_fds(3), sd_notify(3).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "support/temporary_directory.hpp"

namespace nsenterd::test {

class ServiceManager {
 public:
  ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  /// Kills the daemon if it is still there.
  ~ServiceManager();

  /// The path that listen() binds.
  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "passed"; }
  /// A unix socket that listens on that path.
  [[nodiscard]] UniqueFd listen(int type) const;

  struct Start {
    /// To be handed over, from 3 on. They stay open here as well, as systemd's do.
    std::vector<int> sockets{};
    /// As many, with colons between them.
    std::string names{};
    /// None if 0.
    std::chrono::microseconds watchdog{};
    std::vector<std::string> options{};
  };
  void start(const Start& how);
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string log() const;
  void send_signal(int signal) const;
  /// Waits until it has ended: as CommandResult::status; -1 if it does not in time.
  int wait();

  /// The next message of the daemon that begins so; nothing if none comes in time. Those in between are skipped.
  std::optional<std::string> told(const std::string& prefix,
                                  std::chrono::milliseconds limit = std::chrono::seconds(5)) const;

 private:
  [[noreturn]] void become_daemon(const Start& how) const;

  TemporaryDirectory directory_;
  UniqueFd notifications_;
  pid_t pid_ = 0;
};

}  // namespace nsenterd::test
