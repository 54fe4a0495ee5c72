// A container's first process: which it is, and what its callers are known by. (Companion.)
#pragma once

#include <cstdint>
#include <memory>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "id_map.hpp"
#include "process_directory.hpp"

namespace procfs_companion {

class ContainerProcess {
 public:
  /// Throws std::runtime_error, which says why it is no container's: it has ended, or has the host's user or pid namespace. Root of
  /// the host's user namespace would set the host's values; and whose processes are in the host's pid namespace cannot be told.
  explicit ContainerProcess(pid_t pid);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  /// In clock ticks after the machine's start; with the pid, it says which process it is.
  [[nodiscard]] std::uint64_t start_time() const noexcept { return start_time_; }
  /// The number of its pid namespace, which is nobody else's for as long as this lives.
  [[nodiscard]] std::uint64_t pid_namespace() const noexcept { return pid_namespace_; }
  [[nodiscard]] const NamespaceNumbers& namespaces() const noexcept { return namespaces_; }
  [[nodiscard]] const IdMap& uids() const noexcept { return uids_; }
  [[nodiscard]] const IdMap& gids() const noexcept { return gids_; }

 private:
  ContainerProcess(pid_t pid, const ProcessDirectory& directory);

  pid_t pid_;
  nsenterd::UniqueFd pidfd_;
  std::uint64_t start_time_;
  nsenterd::UniqueFd pid_namespace_fd_;
  std::uint64_t pid_namespace_;
  NamespaceNumbers namespaces_;
  IdMap uids_;
  IdMap gids_;
};

}  // namespace procfs_companion
