// Processes in a container that read a file over and over, as fast as they can.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace nsenterd::bench {

/// What readers have done within a time: how long each read took, in nanoseconds, of all together.
struct Reads {
  std::vector<std::uint64_t> samples;
  std::chrono::duration<double> time{};
};

/// `count` processes in all namespaces of `container`, each of which opens the file, reads it and closes it, again and again, for that time.
/// Throws std::runtime_error if one of them cannot.
Reads read_with(std::size_t count, pid_t container, const std::string& file, std::chrono::milliseconds time);

}  // namespace nsenterd::bench
