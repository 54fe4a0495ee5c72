// The thread that made a system call, held open: its namespaces, directories, memory and rights. (Agent.)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <boost/system/result.hpp>

#include <nsenterd/namespaces.hpp>
#include <nsenterd/unique_fd.hpp>

#include "credentials.hpp"

namespace seccomp_agent {

/// What could not be held open, and why.
struct TraceeError {
  std::string step;
  int error = 0;
};
template <class T>
using TraceeResult = boost::system::result<T, TraceeError>;

struct Tracee {
  /// Without those that are this process's own: those need not be joined, and a user namespace cannot be (setns(2)).
  std::vector<std::pair<nsenterd::Namespace, nsenterd::UniqueFd>> namespaces;
  bool shares_user_namespace = false;
  /// The inode of the one that it is in.
  std::uint64_t user_namespace = 0;
  nsenterd::UniqueFd root;
  /// Where relative paths start; none, if `directory_error` says why.
  nsenterd::UniqueFd directory;
  /// EBADF or ENOTDIR: what a relative path fails with. An absolute one does not care.
  int directory_error = 0;
  /// Its address space, to be read; empty when that has ended.
  nsenterd::UniqueFd memory;
  /// In the host's numbers.
  Credentials credentials;
  /// The same in the numbers of its user namespace; nothing if they do not all have some.
  std::optional<Credentials> credentials_inside;
};

/// Opens all that, of a thread known by its number, so that the caller has to ask afterwards whether it still waits
/// (NotifyFd::is_valid()). `directory` is a descriptor of the thread's, or AT_FDCWD. Never waits for a file of the container's.
TraceeResult<Tracee> open_tracee(pid_t tid, nsenterd::Namespaces namespaces, int directory);

/// The inode of the user namespace that owns the pid namespace of a process (ioctl_ns(2)): its container's, which the process, unlike
/// the user namespace that it is in, cannot change. 0 if it has ended.
std::uint64_t containers_user_namespace(pid_t pid);

}  // namespace seccomp_agent
