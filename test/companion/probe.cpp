// Runs in a container: what system calls say of a tree, a line for each file. Statically linked.
//
//   probe tree DIRECTORY      type, mode and owner, and what comes of opening it in each way, of everything below
//   probe change DIRECTORY    what comes of trying to change it, of some files below, and of files that are not there
//   probe read FILE           waits until it has read it, and says what has come of it
//   probe thread FILE         what is in it for a thread with a net namespace of its own, which sets it to 1234, before and
//                             after; and for the others of the process
//   probe readers FILE COUNT  reads it so often, in that many processes; how often it was the same
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

/// What a system call that returns -1 on failure has brought.
std::string outcome(long result) {
  return result < 0 ? ::strerrorname_np(errno) : "ok";
}

std::string outcome_of_opening(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600);
  const std::string text = outcome(file);
  if (file >= 0) ::close(file);
  return text;
}

std::string content(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return outcome(file);
  std::string text(65536, '\0');
  const ssize_t got = ::read(file, text.data(), text.size());
  ::close(file);
  if (got < 0) return outcome(got);
  text.resize(static_cast<std::size_t>(got));
  std::replace(text.begin(), text.end(), '\n', '|');
  return text;
}

void show_tree(const std::string& base, const std::string& path) {
  const std::string full = base + path;
  struct stat status {};
  if (::lstat(full.c_str(), &status) != 0) {
    std::cout << path << ' ' << outcome(-1) << '\n';
    return;
  }
  std::cout << path << std::oct << " mode=" << status.st_mode << std::dec << " owner=" << status.st_uid << ':'
            << status.st_gid << " links=" << status.st_nlink << " r=" << outcome_of_opening(full, O_RDONLY)
            << " w=" << outcome_of_opening(full, O_WRONLY) << " rw=" << outcome_of_opening(full, O_RDWR)
            << " access=" << (::access(full.c_str(), R_OK) == 0) << (::access(full.c_str(), W_OK) == 0)
            << (::access(full.c_str(), X_OK) == 0);
  if (!S_ISDIR(status.st_mode)) {
    std::cout << " content=" << content(full) << '\n';
    return;
  }
  std::cout << '\n';
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(full)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  for (const auto& name : names) show_tree(base, path + '/' + name);
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void show_changes_of(const std::string& base, const std::string& path) {
  const std::string full = base + path;
  const char* file = full.c_str();
  const timespec past[2] = {{1, 0}, {1, 0}};
  char target = 0;
  std::cout << path << " chmod=" << outcome(::chmod(file, 0777)) << " chown=" << outcome(::chown(file, 0, 0))
            << " chown-none=" << outcome(::chown(file, static_cast<uid_t>(-1), static_cast<gid_t>(-1)))
            << " touch=" << outcome(::utimensat(AT_FDCWD, file, nullptr, 0))
            << " times=" << outcome(::utimensat(AT_FDCWD, file, past, 0))
            << " truncate=" << outcome(::truncate(file, 5))
            << " open-truncate=" << outcome_of_opening(full, O_RDONLY | O_TRUNC)
            << " remove=" << outcome(is_directory(full) ? ::rmdir(file) : ::unlink(file))
            << " mkdir=" << outcome(::mkdir(file, 0755))
            << " exclusive=" << outcome_of_opening(full, O_CREAT | O_EXCL | O_WRONLY)
            << " rename=" << outcome(::rename(file, (full + "-new").c_str()))
            << " getxattr=" << outcome(::getxattr(file, "user.a", nullptr, 0))
            << " listxattr=" << outcome(::listxattr(file, nullptr, 0))
            << " setxattr=" << outcome(::setxattr(file, "user.a", "1", 1, 0))
            << " readlink=" << outcome(::readlink(file, &target, 1))
            << " directory=" << outcome_of_opening(full, O_RDONLY | O_DIRECTORY);
  // Of a directory, the kernel asks a filesystem that has no modes later than one that has.
  if (!is_directory(full)) {
    std::cout << " rename-over=" << outcome(::rename(file, (base + "/kernel/version").c_str()))
              << " link=" << outcome(::link(file, (full + "-new").c_str()));
  }
  std::cout << '\n';
}

void show_changes(const std::string& base) {
  for (const char* path :
       {"/kernel/osrelease", "/kernel/hostname", "/kernel/ns_last_pid", "/net/core/somaxconn",
        "/net/ipv4/ip_forward", "/net/core", "/kernel", "/kernel/none"}) {
    show_changes_of(base, path);
  }
  const std::string none = base + "/kernel/none";
  std::cout << "create=" << outcome_of_opening(none, O_CREAT | O_WRONLY)
            << " mknod=" << outcome(::mknod(none.c_str(), S_IFREG | 0600, 0))
            << " symlink=" << outcome(::symlink("a", none.c_str()))
            << " long=" << outcome_of_opening(base + '/' + std::string(256, 'a'), O_RDONLY)
            << " bytes=" << outcome_of_opening(base + "/\xff", O_RDONLY) << '\n';
}

void end_nothing(int /*signal*/) {}

/// A signal interrupts it, and does not end the program.
std::string interruptible_content(const std::string& file) {
  struct sigaction action {};
  action.sa_handler = end_nothing;
  ::sigaction(SIGINT, &action, nullptr);
  return content(file);
}

std::string set_in_thread(const std::string& file) {
  std::string said;
  std::thread([&] {
    said = outcome(::unshare(CLONE_NEWNET));
    said += ' ' + content(file);
    const int opened = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    said += ' ' + outcome(::write(opened, "1234", 4));
    ::close(opened);
    said += ' ' + content(file);
  }).join();
  return said + ' ' + content(file);
}

/// What becomes of using an open file, first where it was opened, then in another net namespace.
std::string use_elsewhere(const std::string& file) {
  const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  char first = 0;
  std::string said = outcome(::pread(opened, &first, 1, 0));
  said += ' ' + outcome(::pwrite(opened, "1234", 4, 0));
  said += ' ' + outcome(::unshare(CLONE_NEWNET));
  said += ' ' + outcome(::pread(opened, &first, 1, 0));
  said += ' ' + outcome(::pwrite(opened, "4321", 4, 0));
  ::close(opened);
  return said;
}

int count_readers(const std::string& file, int count) {
  const std::string expected = content(file);
  for (int i = 0; i < count; ++i) {
    if (::fork() != 0) continue;
    bool same = true;
    for (int round = 0; round < 10; ++round) same = same && content(file) == expected;
    ::_exit(same ? 0 : 1);
  }
  int same = 0;
  for (int status = 0; ::wait(&status) > 0;) {
    if (status == 0) ++same;
  }
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "tree") {
    show_tree(arguments[1], "");
  } else if (arguments.size() == 2 && arguments[0] == "change") {
    show_changes(arguments[1]);
  } else if (arguments.size() == 2 && arguments[0] == "read") {
    std::cout << interruptible_content(arguments[1]) << std::endl;
  } else if (arguments.size() == 2 && arguments[0] == "thread") {
    std::cout << set_in_thread(arguments[1]) << '\n';
  } else if (arguments.size() == 2 && arguments[0] == "elsewhere") {
    std::cout << use_elsewhere(arguments[1]) << '\n';
  } else if (arguments.size() == 3 && arguments[0] == "readers") {
    std::cout << count_readers(arguments[1], std::stoi(arguments[2])) << '\n';
  } else {
    return 2;
  }
  return 0;
}
