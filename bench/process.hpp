// The processes that the benchmark starts, and what it reads about them below /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/unique_fd.hpp"

namespace nsenterd::bench {

/// Throws std::system_error with errno.
[[noreturn]] void throw_errno(const std::string& what);

/// A pipe, or a socketpair where both ends are read and written.
struct Pipe {
  base::UniqueFd read_end;
  base::UniqueFd write_end;
};
Pipe make_pipe();

/// A child of this process; its destructor ends it, with SIGTERM at first, and waits for it.
class Process {
 public:
  /// Executes arguments[0], which is searched for in PATH. `input` and `output` become its standard input and
  /// output; -1 stands for /dev/null. Standard error is shared.
  explicit Process(const std::vector<std::string>& arguments, int input = -1, int output = -1);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Ended already, by itself. (It is reaped by wait() or the destructor.)
  [[nodiscard]] bool has_ended() const;
  /// Waits for its end; the status of waitpid(2).
  int wait();
  void kill();

 private:
  pid_t pid_ = -1;
};

/// A process in eight namespaces of its own, made by unshare(1).
class Container {
 public:
  Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  ~Container();

  [[nodiscard]] pid_t pid() const noexcept { return init_; }

 private:
  Process unshare_;
  pid_t init_ = -1;
  base::UniqueFd init_pidfd_;
};

std::vector<pid_t> children_of(pid_t pid);
/// Its name as ps(1) shows it.
std::string name_of(pid_t pid);

struct Memory {
  /// VmRSS, in KiB: shared pages count in full.
  std::uint64_t resident = 0;
  /// What would be free without it: private pages, clean and dirty.
  std::uint64_t unshared = 0;
};
Memory memory_of(pid_t pid);

}  // namespace nsenterd::bench
