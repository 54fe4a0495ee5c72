// What a container runtime says of a process whose filter it hands over: ContainerProcessState of the OCI runtime
// specification. (Agent.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace seccomp_agent {

/// The first process under a filter: a container's process 1, or one that was executed in it later, with a filter of its own.
struct ContainerProcess {
  std::string container;
  /// As the host numbers it.
  pid_t pid = 0;
  /// The profile's "listenerMetadata".
  std::string metadata;
  /// The inode of the container's own user namespace. 0, which is none's, if the process had ended.
  std::uint64_t user_namespace = 0;
};

struct StateMessage {
  ContainerProcess process;
  /// Which of the descriptors that came along is the filter's, and how many there have to be.
  std::size_t seccomp_fd = 0;
  std::size_t descriptors = 0;
};

/// Whether there is nothing more to come.
bool is_whole_state(std::string_view text);

/// Throws std::invalid_argument, saying what is wrong.
StateMessage parse_state(std::string_view text);

}  // namespace seccomp_agent
