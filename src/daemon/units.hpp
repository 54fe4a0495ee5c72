// Durations and sizes as people write them, on the command line and in the configuration file (daemon).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nsenterd::daemon {

/// A whole number and its unit, ms, s, m or h: "500ms", "10s". Nothing for anything else, and for more than a thousand days.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

/// A whole number of bytes and its unit, such as KiB, MiB or GiB (powers of 1,024), kB, MB or GB (of 1,000), or none.
std::optional<std::uint64_t> parse_size(const std::string& text);

}  // namespace nsenterd::daemon
