// How a module says that a call failed. (Inside containers.)
#pragma once

#include <cerrno>
#include <system_error>

namespace seccomp_agent::inside {

/// Throws the error as std::system_error, of which the library makes the module's failure.
[[noreturn]] inline void fail(const char* what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace seccomp_agent::inside
