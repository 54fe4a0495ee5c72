// Who makes a system call that has come to the filesystem. (Companion.)
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <nsenterd/envelope.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/requests.hpp>
#include <nsenterd/unique_fd.hpp>

#include "container_process.hpp"
#include "id_map.hpp"
#include "outcome.hpp"

namespace procfs_companion {

/// What FUSE says of a caller: its thread, as this process's pid namespace numbers it, and its filesystem ids, as the host does.
struct CallerIds {
  pid_t tid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

class Caller {
 public:
  /// A thread in the container's pid namespace, or in one below it: whatever it asks is asked in its own namespaces. Or root of the
  /// host, who may look, and is shown what the container's first process sees. EPERM for everybody else, which may also be who got
  /// the number of a thread that was killed while it waited.
  static Outcome<std::shared_ptr<const Caller>> identify(
      const CallerIds& ids, const std::shared_ptr<const ContainerProcess>& process);

  [[nodiscard]] bool is_host() const noexcept { return host_; }
  /// Those that it is served in.
  [[nodiscard]] const NamespaceNumbers& namespaces() const noexcept { return namespaces_; }
  /// For requests that are made with the rights of the agent.
  [[nodiscard]] nsenterd::Envelope envelope() const;
  /// For those that are made with the caller's, whose capabilities are the personality's.
  [[nodiscard]] nsenterd::Envelope envelope_with_ids() const;
  [[nodiscard]] nsenterd::requests::Personality personality() const;
  /// The capabilities that access(2) counts, unless told to count the effective ones, which FUSE does not say: root's, or none.
  [[nodiscard]] nsenterd::requests::Personality access_personality() const;

  /// Whether it may do what a file's owner may: it is he, or has CAP_FOWNER in a user namespace that knows him.
  [[nodiscard]] bool acts_as_owner(uid_t owner, gid_t group) const;
  [[nodiscard]] const IdMap& uids() const noexcept { return uids_; }
  [[nodiscard]] const IdMap& gids() const noexcept { return gids_; }

 private:
  Caller(const CallerIds& ids, std::shared_ptr<const ContainerProcess> process, IdMap uids, IdMap gids,
         const NamespaceNumbers& namespaces);
  static Outcome<std::shared_ptr<const Caller>> identify_inside(
      const CallerIds& ids, const ProcessDirectory& directory,
      const std::shared_ptr<const ContainerProcess>& process);
  /// Takes hold of the namespaces of a thread that are not the container's first process's: an errno, or 0.
  int pin(const ProcessDirectory& directory, pid_t tgid);

  CallerIds ids_;
  std::shared_ptr<const ContainerProcess> process_;
  IdMap uids_;
  IdMap gids_;
  NamespaceNumbers namespaces_;
  bool host_ = true;
  std::uint64_t effective_ = 0;
  std::uint64_t permitted_ = 0;
  /// The process whose namespaces are entered; the container's first if there is none.
  nsenterd::UniqueFd pidfd_;
  /// Those that a thread can have for itself, and that a procfs depends on.
  std::vector<std::pair<nsenterd::Namespace, nsenterd::UniqueFd>> namespaces_of_thread_;
};

}  // namespace procfs_companion
