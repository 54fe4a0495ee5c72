#include "support/mount_namespace.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "support/processes.hpp"

namespace nsenterd::test {

void run_in_mount_namespace(pid_t pid, const std::string& what, const std::function<int()>& work) {
  const UniqueFd mounts(::open(proc_path(pid, "ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (!mounts) throw std::system_error(errno, std::generic_category(), what);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), what);
  if (child == 0) ::_exit(::setns(mounts.get(), CLONE_NEWNS) == 0 ? work() : errno);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), what);
  }
  const int error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

void share_mount(pid_t pid, const std::filesystem::path& mounted, const std::string& directory) {
  const UniqueFd mount(::open_tree(AT_FDCWD, mounted.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!mount) throw std::system_error(errno, std::generic_category(), "open_tree " + mounted.string());
  run_in_mount_namespace(pid, "move_mount to " + directory, [&] {
    const int moved = ::move_mount(mount.get(), "", AT_FDCWD, directory.c_str(), MOVE_MOUNT_F_EMPTY_PATH);
    return moved == 0 ? 0 : errno;
  });
}

}  // namespace nsenterd::test
