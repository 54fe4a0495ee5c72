// The processes that the benchmarks start, and what the kernel says about them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "base/child_process.hpp"

namespace nsenterd::bench {

/// Throws std::system_error with errno.
[[noreturn]] void throw_errno(const std::string& what);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Pipe make_pipe();

/// Executes arguments[0], which is searched for in PATH. `input` and `output` become its standard input and
/// output; -1 stands for /dev/null. Standard error is shared.
base::ChildProcess spawn(const std::vector<std::string>& arguments, int input = -1, int output = -1);

/// Waits for the child's end.
base::ExitStatus wait(base::ChildProcess& child);

/// In the order in which they were made.
std::vector<pid_t> children_of(pid_t pid);

/// KiB.
struct Memory {
  /// Shared pages count in full.
  std::uint64_t resident = 0;
  /// What would be free without it: its private pages, clean and dirty.
  std::uint64_t unshared = 0;
};
Memory memory_of(pid_t pid);

/// The processor time that a service has used since it began, in all: itself, its fork server, which is its first child,
/// and its agents, those that have ended included.
struct CpuTime {
  std::chrono::nanoseconds service{};
  std::chrono::nanoseconds fork_server{};
  std::chrono::nanoseconds agents{};
};
/// Of agents that have ended the kernel shows the sum in hundredths of a second.
CpuTime cpu_time_of(pid_t service);

}  // namespace nsenterd::bench
