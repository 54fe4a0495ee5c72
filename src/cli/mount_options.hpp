// What follows `mount -o` (nsenterctl).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/outcome.hpp"

namespace nsenterd::cli {

struct MountOptions {
  /// The flags of one mount(2) after the other: some options need a call of their own. At least one.
  std::vector<std::uint64_t> calls;
  /// For the filesystem, in the first call.
  std::string data;
};

/// Options with commas between, in the manner of mount(8). With no type ("") only what needs none can be done: bind,
/// move, remount, and changes of propagation. Options that mount(8) itself acts on, such as "loop", are wrong usage.
Outcome<MountOptions> parse_mount_options(const std::string& text, const std::string& type);

}  // namespace nsenterd::cli
