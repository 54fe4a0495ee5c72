// openat2SyscallRequest, and the descriptor that comes with its response.
#pragma once

#include <cstdint>
#include <string>

#include <nsenterd/unique_fd.hpp>

#include "support/served_container.hpp"

namespace nsenterd::test {

struct OpenHow {
  std::string path;
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
  std::uint64_t resolve = 0;
  bool verifyfs = false;
};

Json openat2_request(const Personality& personality, const OpenHow& how);

struct Opened {
  /// The errno of the errorResponse, and its text; 0 if there is a file.
  int error = 0;
  std::string message;
  UniqueFd file;
};

/// Asks for a file. Throws std::runtime_error if the reply is an error, or is neither an errorResponse without a
/// descriptor nor an openat2SyscallResponse with exactly one.
Opened openat2(ServedContainer& served, const Personality& personality, const OpenHow& how);

}  // namespace nsenterd::test
