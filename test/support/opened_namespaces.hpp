// Namespaces held open, as a program does that uses them after their process has gone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {

/// What the kernel shows of a process's namespaces: their inodes, in the order of kNamespaceNames.
using Inodes = std::array<std::uint64_t, 8>;
Inodes inodes_of(pid_t pid);

/// Opens a file, or throws std::system_error.
UniqueFd open_file(const std::string& path, int flags);

/// "/proc/PID/ns/NAME".
UniqueFd open_namespace_file(pid_t pid, const std::string& name);

/// The inode of what a descriptor leads to, or a path. Only for what answers.
std::uint64_t inode_of(int descriptor);
std::uint64_t inode_of(const std::string& path);

/// A process of the host in the mount namespace of another, with its own root and, below that, working directory. Ends with this.
class ChrootedProcess {
 public:
  /// The directories are made if need be. Throws std::runtime_error.
  ChrootedProcess(pid_t mount_namespace_of, const std::string& root, const std::string& directory);
  ChrootedProcess(const ChrootedProcess&) = delete;
  ChrootedProcess& operator=(const ChrootedProcess&) = delete;
  ~ChrootedProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// A process in new namespaces of these kinds (CLONE_NEW*) that the initial user namespace owns. Ends with this.
class UnsharedProcess {
 public:
  explicit UnsharedProcess(int flags);
  UnsharedProcess(const UnsharedProcess&) = delete;
  UnsharedProcess& operator=(const UnsharedProcess&) = delete;
  ~UnsharedProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace nsenterd::test
