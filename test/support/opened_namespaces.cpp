#include "support/opened_namespaces.hpp"

#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// A child that has done `work`, which tells whether it could, and waits to be killed.
pid_t fork_waiting(const std::function<bool()>& work) {
  int done[2];
  if (::pipe2(done, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  UniqueFd reader(done[0]);
  UniqueFd writer(done[1]);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self || !work() || ::write(writer.get(), "", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  writer.reset();
  char byte = 0;
  if (::read(reader.get(), &byte, 1) == 1) return pid;
  ::waitpid(pid, nullptr, 0);
  throw std::runtime_error("a process could not get to where it was to be");
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Inodes inodes_of(pid_t pid) {
  Inodes inodes{};
  for (std::size_t i = 0; i < inodes.size(); ++i) inodes[i] = namespace_inode(pid, kNamespaceNames[i]);
  return inodes;
}

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  return file;
}

UniqueFd open_namespace_file(pid_t pid, const std::string& name) {
  return open_file(proc_path(pid, "ns/" + name), O_RDONLY);
}

std::uint64_t inode_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  return status.st_ino;
}

std::uint64_t inode_of(const std::string& path) {
  return inode_of(open_file(path, O_PATH).get());
}

ChrootedProcess::ChrootedProcess(pid_t mount_namespace_of, const std::string& root,
                                 const std::string& directory) {
  const UniqueFd mounts = open_namespace_file(mount_namespace_of, "mnt");
  pid_ = fork_waiting([&] {
    if (::setns(mounts.get(), CLONE_NEWNS) != 0) return false;
    ::mkdir(root.c_str(), 0755);
    if (::chroot(root.c_str()) != 0) return false;
    ::mkdir(directory.c_str(), 0755);
    return ::chdir(directory.c_str()) == 0;
  });
}

ChrootedProcess::~ChrootedProcess() {
  end(pid_);
}

UnsharedProcess::UnsharedProcess(int flags) : pid_(fork_waiting([flags] { return ::unshare(flags) == 0; })) {}

UnsharedProcess::~UnsharedProcess() {
  end(pid_);
}

}  // namespace nsenterd::test
