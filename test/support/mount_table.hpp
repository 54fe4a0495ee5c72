// A process's mounts, as /proc/PID/mountinfo shows them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace nsenterd::test {

/// One line; see proc(5).
struct Mount {
  std::string id;
  std::string point;
  /// The mount's own options, and its filesystem's: "rw,nosuid", "rw,size=64k".
  std::string options;
  std::string super_options;
  /// Its peer groups: "shared:1 master:2"; empty if it is private.
  std::string propagation;
  std::string type;
};

/// From the text of a mountinfo. Throws std::runtime_error if a line is none of such.
std::vector<Mount> mount_table(std::string_view text);

/// The mounts of a process at one place, the uppermost last.
std::vector<Mount> mounts_at(pid_t pid, std::string_view point);

/// Whether "rw,nosuid" has the option "nosuid".
bool has_option(std::string_view options, std::string_view option);

}  // namespace nsenterd::test
