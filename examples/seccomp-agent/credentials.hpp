// Whose rights a system call is made with, read from procfs. (Agent.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>

namespace seccomp_agent {

/// What decides which files a thread may touch, and whose those become that it makes (credentials(7)).
struct Credentials {
  /// The filesystem ids, which are the effective ones unless the thread has said otherwise.
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  /// Effective capabilities, in the thread's own user namespace.
  std::uint64_t capabilities = 0;
  mode_t umask = 0;
};

/// From the text of /proc/TID/status; nothing if there is something missing in it.
std::optional<Credentials> parse_credentials(std::string_view status);

/// How a user namespace numbers ids of the reader's: the text of /proc/TID/uid_map or gid_map (user_namespaces(7)).
class IdMap {
 public:
  explicit IdMap(std::string_view text);
  /// Nothing if the namespace has no number for it.
  [[nodiscard]] std::optional<std::uint32_t> to_inside(std::uint32_t outside) const;

 private:
  struct Range {
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
  };
  std::vector<Range> ranges_;
};

/// The same in the numbers of the user namespace; nothing if it does not know the user or the group. Supplementary groups that it
/// does not know cannot be had inside, so nothing either.
std::optional<Credentials> translate(const Credentials& credentials, const IdMap& users, const IdMap& groups);

/// For a module.
void to_json(nlohmann::json& json, const Credentials& credentials);

}  // namespace seccomp_agent
