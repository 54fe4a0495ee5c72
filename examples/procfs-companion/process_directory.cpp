#include "process_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procfs_companion {
namespace {

// What is gone in /proc is the thread.
Errno last_error() {
  return Errno{errno == ENOENT ? ESRCH : errno};
}

}  // namespace

Outcome<ProcessDirectory> ProcessDirectory::open(pid_t tid) {
  nsenterd::UniqueFd directory(
      ::open(("/proc/" + std::to_string(tid)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return last_error();
  return ProcessDirectory(std::move(directory));
}

Outcome<std::string> ProcessDirectory::read(const char* name) const {
  const nsenterd::UniqueFd file(::openat(directory_.get(), name, O_RDONLY | O_CLOEXEC));
  if (!file) return last_error();
  std::string content;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return last_error();
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Outcome<nsenterd::UniqueFd> ProcessDirectory::open_namespace(const char* name) const {
  const std::string path = std::string("ns/") + name;
  nsenterd::UniqueFd file(::openat(directory_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error();
  return file;
}

Outcome<NamespaceNumbers> ProcessDirectory::namespaces() const {
  NamespaceNumbers numbers{};
  std::size_t index = 0;
  for (const char* path :
       {"ns/user", "ns/mnt", "ns/uts", "ns/ipc", "ns/pid", "ns/cgroup", "ns/net", "ns/time"}) {
    struct stat status {};
    if (::fstatat(directory_.get(), path, &status, 0) != 0) return last_error();
    numbers.at(index++) = status.st_ino;
  }
  return numbers;
}

Outcome<std::uint64_t> namespace_number(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return last_error();
  return std::uint64_t{status.st_ino};
}

std::string_view status_field(std::string_view status, std::string_view name) {
  while (!status.empty()) {
    std::string_view line = status.substr(0, status.find('\n'));
    status.remove_prefix(std::min(status.size(), line.size() + 1));
    if (line.size() <= name.size() || line.substr(0, name.size()) != name || line[name.size()] != ':')
      continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
    return line;
  }
  return {};
}

}  // namespace procfs_companion
