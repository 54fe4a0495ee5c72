// Target: a process whose namespaces are entered.
#pragma once

#include <memory>
#include <utility>

#include <sys/types.h>

#include <nsenterd/api.hpp>
#include <nsenterd/failure.hpp>
#include <nsenterd/namespaces.hpp>

namespace nsenterd {

/// A process whose namespaces are entered, held by a pidfd (pidfd_open(2)): once pinned, another process that
/// gets the same number is never taken for it. Copies share the descriptor.
class NSENTERD_API Target {
 public:
  /// Pins the process that the caller's pid namespace numbers `pid`. NoSuchTarget if there is none.
  static Result<Target> open(pid_t pid);
  /// Pins the process of a pidfd, which stays the caller's. InvalidParameter if it is no pidfd, or one of a
  /// process that the caller's pid namespace does not show; JoinFailed if there is no descriptor left to hold it with.
  static Result<Target> from_pidfd(int pidfd);

  [[nodiscard]] pid_t pid() const noexcept;
  /// Still owned by the target.
  [[nodiscard]] int pidfd() const noexcept;
  /// Whether the process has ended. It may be a zombie then, or be gone.
  [[nodiscard]] bool has_ended() const noexcept;
  /// Which namespaces of these kinds the process is in now. NoSuchTarget if it has ended; JoinFailed if the caller may not
  /// look (proc(5); ptrace(2), "ptrace access mode checking").
  [[nodiscard]] Result<NamespaceIds> namespaces(Namespaces kinds) const;

 private:
  struct Pinned;
  explicit Target(std::shared_ptr<Pinned> pinned) noexcept : pinned_(std::move(pinned)) {}
  std::shared_ptr<Pinned> pinned_;
};

}  // namespace nsenterd
