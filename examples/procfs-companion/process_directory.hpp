// A thread's directory below /proc, which stays that thread's. (Companion.)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "outcome.hpp"

namespace procfs_companion {

/// The inode numbers of the namespaces that a thread is in, one of each kind (namespaces(7)).
using NamespaceNumbers = std::array<std::uint64_t, 8>;

class ProcessDirectory {
 public:
  /// Of the thread that this process's pid namespace numbers so. ESRCH if there is none.
  static Outcome<ProcessDirectory> open(pid_t tid);

  /// A file in it; ESRCH if the thread has ended: a number that is given to another one leads nowhere from here.
  [[nodiscard]] Outcome<std::string> read(const char* name) const;
  /// "pid" or another name below ns/, held open.
  [[nodiscard]] Outcome<nsenterd::UniqueFd> open_namespace(const char* name) const;
  [[nodiscard]] Outcome<NamespaceNumbers> namespaces() const;

 private:
  explicit ProcessDirectory(nsenterd::UniqueFd directory) noexcept : directory_(std::move(directory)) {}

  nsenterd::UniqueFd directory_;
};

/// The number of an open namespace.
Outcome<std::uint64_t> namespace_number(int fd);
/// The value of a line of proc(5)'s status, such as "Tgid"; empty if there is no such line.
std::string_view status_field(std::string_view status, std::string_view name);

}  // namespace procfs_companion
