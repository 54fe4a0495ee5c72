#include "id_map.hpp"

#include <algorithm>
#include <sstream>

namespace procfs_companion {
namespace {

constexpr uid_t kOverflowId = 65534;

}  // namespace

IdMap::IdMap(const std::string& text) {
  std::istringstream lines(text);
  Range range;
  while (lines >> range.inside >> range.outside >> range.count) ranges_.push_back(range);
}

uid_t IdMap::to_host(uid_t id) const {
  if (id == kOverflowId) return 0;
  const auto found = std::find_if(ranges_.begin(), ranges_.end(), [id](const Range& range) {
    return id >= range.inside && id - range.inside < range.count;
  });
  return found == ranges_.end() ? 0 : static_cast<uid_t>(found->outside + (id - found->inside));
}

bool IdMap::knows_host_id(uid_t id) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [id](const Range& range) {
    return id >= range.outside && id - range.outside < range.count;
  });
}

}  // namespace procfs_companion
