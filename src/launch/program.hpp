// What a fork server executes (daemon, or a program that embeds the library).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nsenterd/unique_fd.hpp>

#include "base/result.hpp"

namespace nsenterd::launch {

struct Program {
  /// A sealed memfd (memfd_create(2)), so that no container that gets hold of /proc/PID/exe can change the file on the host
  /// (CVE-2019-5736).
  UniqueFd file;
  /// As `NAME=value`.
  std::vector<std::string> environment;
};

/// Copies the program of a file, which gets an environment with nothing of this process's.
base::Result<Program> load_program(const std::filesystem::path& file);

/// Copies the program that this process runs, which gets this process's environment, and finds the libraries that this one has.
base::Result<Program> load_own_program();

}  // namespace nsenterd::launch
