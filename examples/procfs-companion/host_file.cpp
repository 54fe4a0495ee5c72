#include "host_file.hpp"

#include <fstream>
#include <iterator>

namespace procfs_companion {

std::string read_host_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

double host_idle_time() {
  double uptime = 0;
  double idle = 0;
  std::ifstream("/proc/uptime") >> uptime >> idle;
  return idle;
}

}  // namespace procfs_companion
