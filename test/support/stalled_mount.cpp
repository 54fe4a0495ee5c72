#include "support/stalled_mount.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/mount.h>

#include "support/mount_namespace.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

StalledMount::StalledMount(const Container& container, std::string directory)
    : container_(container.pid()),
      directory_(std::move(directory)),
      device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
  if (!device_) throw std::system_error(errno, std::generic_category(), "/dev/fuse");
  const std::string options =
      "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  run_in_mount_namespace(container_, "mount FUSE at " + directory_, [&] {
    return ::mount("stalled", directory_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0 ? 0
                                                                                                      : errno;
  });
}

StalledMount::~StalledMount() {
  // Ends every request that waits, with ENOTCONN.
  device_.reset();
  try {
    run_in_mount_namespace(container_, "umount",
                           [&] { return ::umount2(directory_.c_str(), MNT_DETACH) == 0 ? 0 : errno; });
  } catch (const std::system_error&) {
    // The container has ended, and its mounts with it.
  }
}

bool StalledMount::holds(pid_t pid) {
  try {
    const std::string function = read_file(proc_path(pid, "wchan"));
    return function.starts_with("fuse_") || function == "request_wait_answer";
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace nsenterd::test
