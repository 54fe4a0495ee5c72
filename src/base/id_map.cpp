#include "base/id_map.hpp"

#include <fstream>
#include <string>

namespace nsenterd::base {

Result<bool> is_mapped(pid_t pid, const char* map, std::uint32_t id) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + map);
  if (!file) return last_error("open");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (file >> inside >> outside >> count) {
    if (id >= outside && id - outside < count) return true;
  }
  return false;
}

}  // namespace nsenterd::base
