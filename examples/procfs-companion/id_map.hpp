// Translates the ids of a container's user namespace into the host's. (Companion.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace procfs_companion {

class IdMap {
 public:
  /// Of the text of /proc/PID/uid_map or gid_map (user_namespaces(7)). Lines that are none are passed over.
  explicit IdMap(const std::string& text);

  /// The host's number. An id that the user namespace does not know is shown there as 65534, and nothing in a procfs belongs to the
  /// 65534 of a container's own: it is the host's root, whom all of a procfs belongs to that is not a namespace's.
  [[nodiscard]] uid_t to_host(uid_t id) const;
  /// Whether it is the number that the host has for some id of the user namespace.
  [[nodiscard]] bool knows_host_id(uid_t id) const;

 private:
  struct Range {
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
  };
  std::vector<Range> ranges_;
};

}  // namespace procfs_companion
