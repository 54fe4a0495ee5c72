#include "service/target_end.hpp"

#include <cerrno>
#include <string>

#include <poll.h>
#include <sys/stat.h>

namespace nsenterd::service {

bool has_left(const Target& target) {
  const std::string file = "/proc/" + std::to_string(target.pid()) + "/ns/net";
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return errno == ENOENT || errno == ESRCH;
  // By its number, which may be another's by now.
  pollfd ended{target.pidfd(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 1;
}

}  // namespace nsenterd::service
