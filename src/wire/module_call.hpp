// What a program and the agent that runs a module of it say to each other. (Both sides.)
#pragma once

#include <cstdint>

namespace nsenterd::wire {

/// Of a module_call; the name and the argument follow.
struct ModuleCallHeader {
  /// The most that the module may have (RLIMIT_DATA), and give back, in bytes.
  std::uint64_t memory;
  std::uint32_t max_result;
  std::uint32_t name_length;
};

/// Of a module_failed; a text of at most kMaxFailureText bytes follows.
struct ModuleFailureHeader {
  /// An errno; 0 if there is none.
  std::int32_t error;
};

inline constexpr std::uint32_t kMaxFailureText = 4096;

/// The most descriptors with either.
inline constexpr std::size_t kMaxModuleDescriptors = 16;

}  // namespace nsenterd::wire
