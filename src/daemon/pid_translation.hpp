// Process ids as the clients' pid namespaces number them (daemon).
#pragma once

#include <optional>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "base/result.hpp"
#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Translates between the pid namespace of one peer and the daemon's.
class PidTranslation {
 public:
  /// Fails with ESRCH if the peer has ended, so that its pid namespace cannot be told any more, or is in another one
  /// and the kernel has no pidfds of peers (before Linux 6.5); otherwise with why the kernel could not be asked.
  static base::Result<PidTranslation> for_peer(const varlink::Peer& peer);

  /// The daemon's number for the peer's; nothing if there is no such process, or the kernel cannot translate
  /// (before Linux 6.11).
  [[nodiscard]] std::optional<pid_t> from_peer(pid_t pid) const;
  /// The peer's number for the daemon's; 0 if its namespace does not show the process.
  [[nodiscard]] pid_t to_peer(pid_t pid) const;

 private:
  explicit PidTranslation(UniqueFd pid_namespace) : pid_namespace_(std::move(pid_namespace)) {}

  // Empty where the peer's pid namespace is the daemon's own.
  UniqueFd pid_namespace_;
};

}  // namespace nsenterd::daemon
