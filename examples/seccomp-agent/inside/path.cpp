#include "path.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "failure.hpp"

namespace seccomp_agent::inside {

nsenterd::UniqueFd open_path(int directory, const std::string& path, std::uint64_t flags, std::uint64_t mode,
                             std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  return nsenterd::UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

Place open_place(const std::string& path) {
  if (path.empty()) fail("path", ENOENT);
  const auto last = path.find_last_not_of('/');
  const auto slash = last == std::string::npos ? std::string::npos : path.rfind('/', last);
  const std::string parent =
      slash == std::string::npos ? (last == std::string::npos ? "/" : ".") : path.substr(0, slash + 1);
  Place place{open_path(AT_FDCWD, parent, O_PATH | O_DIRECTORY),
              slash == std::string::npos ? path : path.substr(slash + 1)};
  if (!place.directory) fail("openat2");
  return place;
}

}  // namespace seccomp_agent::inside
