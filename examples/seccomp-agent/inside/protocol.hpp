// What agent and module tell each other, besides a module's argument. (Agent, and inside containers.)
#pragma once

#include <cstddef>
#include <string_view>

namespace seccomp_agent::inside {

/// A run's descriptors.
enum Descriptor : std::size_t {
  /// The thread's address space.
  kMemory,
  /// The filter's descriptor, to be asked whether the thread still waits.
  kNotify,
  /// The host's /proc.
  kProcfs,
};

/// Results. Anything else, or nothing: the call has been made.
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::string_view kGone = "gone";
inline constexpr std::string_view kCloseOnExec = "close-on-exec";
inline constexpr std::size_t kMostResult = 64;

}  // namespace seccomp_agent::inside
