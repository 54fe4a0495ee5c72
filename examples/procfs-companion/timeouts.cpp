#include "timeouts.hpp"

#include <string_view>

#include <sys/stat.h>

namespace procfs_companion {
namespace {

constexpr std::string_view kNetwork = "/proc/sys/net/";
/// Directories go only with a module, and what is looked up in one that is gone is not there. It saves a request for each directory
/// of a path.
constexpr double kStable = 10;

}  // namespace

double name_timeout(const std::string& path, mode_t mode) {
  // What sendfile(2) has read leaves the kernel with the size of that. It learns the size anew when it looks the name up.
  if (!S_ISDIR(mode)) return 0;
  // Below these directories the names differ from one net namespace to the next, and come and go with interfaces (conf, neigh). The
  // directories themselves, such as net/core, are everywhere.
  const bool network = path.size() > kNetwork.size() && path.compare(0, kNetwork.size(), kNetwork) == 0;
  const bool differs = network && path.find('/', kNetwork.size()) != std::string::npos;
  return differs ? 0 : kStable;
}

}  // namespace procfs_companion
