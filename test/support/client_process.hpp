// Connections that somebody else makes: other users, root of a container, and processes that are gone.
#pragma once

#include <filesystem>
#include <vector>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {

/// Who connects.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};
  /// A process whose user namespace it is in, where uid and gid are 0: its root. 0 for that of this process.
  pid_t container = 0;
};

/// A process of a caller, which connects and hands the connection over; it stays until it is told to end, or this is destroyed.
/// Throws std::runtime_error.
class ClientProcess {
 public:
  ClientProcess(const Caller& caller, const std::filesystem::path& socket);
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;
  ~ClientProcess() { end(); }

  [[nodiscard]] UniqueFd take_connection() { return std::move(connection_); }
  /// Ends it, and reaps it: there is no such process afterwards.
  void end();

 private:
  pid_t pid_ = 0;
  UniqueFd connection_;
};

}  // namespace nsenterd::test
