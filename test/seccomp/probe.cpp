// Makes one system call and prints what became of it: "0", or the name of the errno. Runs inside containers, statically linked.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace {

using Arguments = char**;

int report(long result) {
  std::puts(result >= 0 ? "0" : ::strerrorname_np(errno));
  return 0;
}

unsigned long number(const char* text) {
  return std::strtoul(text, nullptr, 0);
}

/// A descriptor of a directory or file, by its path; "cwd"; "bad" for none.
int directory(const std::string& name) {
  if (name == "cwd") return AT_FDCWD;
  return name == "bad" ? 999 : ::open(name.c_str(), O_PATH | O_CLOEXEC);
}

/// A string whose zero byte is the last of a page that another one, which is not there, follows.
const char* at_end_of_page(const std::string& text) {
  const auto page = static_cast<std::size_t>(::getpagesize());
  void* pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::munmap(static_cast<char*>(pages) + page, page);
  char* begin = static_cast<char*>(pages) + page - text.size() - 1;
  std::memcpy(begin, text.c_str(), text.size() + 1);
  return begin;
}

/// Prints the file's first bytes, too, and whether an exec closes it.
int report_open(long fd) {
  if (fd < 0) return report(fd);
  char text[64] = {};
  const auto file = static_cast<int>(fd);
  if (::read(file, text, sizeof text - 1) < 0) text[0] = '\0';
  std::printf("0 %s %s\n", (::fcntl(file, F_GETFD) & FD_CLOEXEC) != 0 ? "cloexec" : "kept", text);
  return 0;
}

int open2(Arguments arguments) {
  open_how how{};
  how.flags = number(arguments[2]);
  how.mode = number(arguments[3]);
  how.resolve = number(arguments[4]);
  return report_open(::syscall(SYS_openat2, directory(arguments[0]), arguments[1], &how, sizeof how));
}

/// Makes that many directories, one after the other; prints how many succeeded.
int many(Arguments arguments) {
  unsigned long made = 0;
  for (unsigned long i = 0; i < number(arguments[1]); ++i) {
    const std::string path = arguments[0] + std::to_string(i);
    if (::syscall(SYS_mkdirat, AT_FDCWD, path.c_str(), 0755) == 0) ++made;
  }
  std::printf("%lu\n", made);
  return 0;
}

/// Makes a directory when somebody has opened the FIFO for writing. Calls itself "interrupted" if a signal (SIGUSR1) came in between, and waits for
/// ever then.
[[noreturn]] void make_after(const std::string& directory, const std::string& go) {
  if (::open(go.c_str(), O_RDONLY) < 0) ::_exit(2);
  const long made = ::syscall(SYS_mkdirat, AT_FDCWD, directory.c_str(), 0755);
  if (made != 0 && errno == EINTR) {
    ::prctl(PR_SET_NAME, "interrupted");
    for (;;) ::pause();
  }
  ::_exit(made == 0 ? 0 : 1);
}

/// Many processes, called "probe-0" and so on, that make a directory each ("ARGUMENT0" and the number) when somebody has opened a FIFO
/// ("ARGUMENT2" and the number), which is made before. Does not end.
int each(Arguments arguments) {
  ::signal(SIGCHLD, SIG_IGN);
  // Without SA_RESTART.
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &interrupt, nullptr);
  for (unsigned long i = 0; i < number(arguments[1]); ++i) {
    if (::mkfifo((arguments[2] + std::to_string(i)).c_str(), 0600) != 0) return 1;
    if (::fork() != 0) continue;
    const std::string which = std::to_string(i);
    ::prctl(PR_SET_NAME, ("probe-" + which).c_str());
    make_after(arguments[0] + which, arguments[2] + which);
  }
  for (;;) ::pause();
}

const std::map<std::string, std::function<int(Arguments)>> kCalls {
#if defined(SYS_mkdir)
  {"mkdir", [](Arguments a) { return report(::syscall(SYS_mkdir, a[0], number(a[1]))); }},
      {"open",
       [](Arguments a) { return report_open(::syscall(SYS_open, a[0], number(a[1]), number(a[2]))); }},
      {"mknod",
       [](Arguments a) {
         return report(
             ::syscall(SYS_mknod, a[0], number(a[1]),
                       ::makedev(static_cast<unsigned>(number(a[2])), static_cast<unsigned>(number(a[3])))));
       }},
#endif
      {"mkdirat",
       [](Arguments a) { return report(::syscall(SYS_mkdirat, directory(a[0]), a[1], number(a[2]))); }},
      {"mknodat",
       [](Arguments a) {
         return report(
             ::syscall(SYS_mknodat, directory(a[0]), a[1], number(a[2]),
                       ::makedev(static_cast<unsigned>(number(a[3])), static_cast<unsigned>(number(a[4])))));
       }},
      {"mount",
       [](Arguments a) { return report(::syscall(SYS_mount, a[0], a[1], a[2], number(a[3]), a[4])); }},
      {"openat2", open2},
      {"openat",
       [](Arguments a) {
         return report_open(::syscall(SYS_openat, directory(a[0]), a[1], number(a[2]), number(a[3])));
       }},
      {"fchmodat", [](Arguments a) { return report(::syscall(SYS_fchmodat, AT_FDCWD, a[0], number(a[1]))); }},
      {"getppid", [](Arguments) { return report(::syscall(SYS_getppid)); }},
      // A path that is nowhere, one that is too long, and one that ends just in time.
      {"mkdir-nowhere", [](Arguments) { return report(::syscall(SYS_mkdirat, AT_FDCWD, 8, 0755)); }},
      {"mkdir-long",
       [](Arguments) {
         return report(::syscall(SYS_mkdirat, AT_FDCWD, std::string(5000, 'a').c_str(), 0755));
       }},
      {"mkdir-page",
       [](Arguments a) { return report(::syscall(SYS_mkdirat, AT_FDCWD, at_end_of_page(a[0]), 0755)); }},
      {"many", many},  // By ids that its user namespace does not know.
      {"mkdirat-unmapped",
       [](Arguments a) {
         if (::unshare(CLONE_NEWUSER) != 0) return 2;
         return report(::syscall(SYS_mkdirat, AT_FDCWD, a[0], 0755));
       }},
      {"each", each},
};

/// Goes to a user namespace of its own, as root there.
bool become_root_of_own() {
  const std::string ids = "0 " + std::to_string(::getuid()) + " 1";
  if (::unshare(CLONE_NEWUSER) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/gid_map") << ids;
  std::ofstream("/proc/self/uid_map") << ids;
  return ::getuid() == 0 && ::getgid() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (std::getenv("PROBE_OWN_USER_NAMESPACE") != nullptr && !become_root_of_own()) return 3;
  if (const char* mask = std::getenv("PROBE_UMASK"))
    ::umask(static_cast<mode_t>(std::strtoul(mask, nullptr, 8)));
  const auto call = argc > 1 ? kCalls.find(argv[1]) : kCalls.end();
  return call != kCalls.end() ? call->second(argv + 2) : 2;
}
