// What outlives the companion: which containers it serves, and what they have set. (Companion.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "container.hpp"

namespace procfs_companion {

/// A container as it is written down.
struct Registration {
  /// Its first process, once there is one: which one, says its start time (ContainerProcess::start_time()).
  struct Process {
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    double idle_at_start = 0;
  };

  std::string name;
  std::optional<Process> process;
  Container::Limits limits;
};

/// None if there is no such file. Throws std::exception.
std::vector<Registration> read_state(const std::filesystem::path& file);
/// The file is the old one or the new one at any time. Throws std::system_error.
void write_state(const std::filesystem::path& file, const std::vector<Registration>& registrations);

}  // namespace procfs_companion
