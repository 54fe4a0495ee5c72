// An agent that waits for its next event is in the container all that time, and the container's root is hostile.
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/syscalls.hpp"
#include "support/precondition.hpp"
#include "warm_fixture.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = RuncContainer::UserNamespace;

/// What can be got out of a process, or done to it, short of a signal.
enum class Attempt {
  attach,
  seize,
  read_memory,
  take_descriptor,
  open_mem,
  open_environ,
  open_maps,
  open_fd,
  open_root,
  open_cwd,
  open_exe,
  open_namespace,
  list_fd,
  count
};
constexpr auto kAttempts = static_cast<std::size_t>(Attempt::count);

/// Shared with the process that tries.
struct Tries {
  std::array<std::atomic<unsigned>, kAttempts> succeeded = {};
  std::atomic<unsigned> rounds = 0;
  std::atomic<bool> is_inside = false;
};

bool opens(pid_t pid, const char* name, int flags = O_RDONLY) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  const int fd = ::open(path, flags | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

bool trace(__ptrace_request how, pid_t pid) {
  if (::ptrace(how, pid, nullptr, nullptr) != 0) return false;
  if (how == PTRACE_ATTACH) ::waitpid(pid, nullptr, __WALL);
  ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return true;
}

bool try_it(Attempt attempt, pid_t pid) {
  switch (attempt) {
    case Attempt::attach: return trace(PTRACE_ATTACH, pid);
    case Attempt::seize: return trace(PTRACE_SEIZE, pid);
    case Attempt::read_memory: {
      // Any address does: who may not read is told so before it is looked at.
      char byte = 0;
      const iovec here{&byte, 1};
      const iovec there{&byte, 1};
      return ::process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno != EPERM;
    }
    case Attempt::take_descriptor: {
      const UniqueFd pidfd(base::pidfd_open(pid));
      return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), 0, 0))).get() >= 0;
    }
    case Attempt::open_mem: return opens(pid, "mem", O_RDWR);
    case Attempt::open_environ: return opens(pid, "environ");
    case Attempt::open_maps: return opens(pid, "maps");
    case Attempt::open_fd: return opens(pid, "fd/0");
    case Attempt::open_root: return opens(pid, "root/", O_DIRECTORY) || opens(pid, "root/bin/busybox");
    case Attempt::open_cwd: return opens(pid, "cwd/", O_DIRECTORY);
    case Attempt::open_exe: return opens(pid, "exe");
    case Attempt::open_namespace: return opens(pid, "ns/net") || opens(pid, "ns/mnt");
    case Attempt::list_fd: return opens(pid, "fd", O_DIRECTORY);
    case Attempt::count: break;
  }
  return false;
}

/// Takes the capabilities that the container's processes do not have, too.
void drop_capabilities(std::uint64_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  for (std::size_t i = 0; i < 2; ++i) {
    data.at(i).permitted = data.at(i).effective = static_cast<std::uint32_t>(kept >> (32 * i));
  }
  if (::syscall(SYS_capset, &header, data.data()) != 0) ::_exit(1);
}

/// A process of the container's root, which does something in there until this ends.
class Insider {
 public:
  template <class Work>
  Insider(const Container& container, Kind kind, const Work& work) {
    const UniqueFd pidfd(base::pidfd_open(container.pid()));
    // With a user namespace of its own, root has all capabilities there.
    const std::uint64_t kept =
        kind == Kind::mapped ? ~0ULL : std::stoull(status_field(container.pid(), "CapBnd"), nullptr, 16);
    const std::uint64_t all =
        (std::uint64_t{2} << std::stoul(read_file("/proc/sys/kernel/cap_last_cap"))) - 1;
    const int joined = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                       CLONE_NEWCGROUP | (kind == Kind::mapped ? CLONE_NEWUSER : 0);
    outer_ = ::fork();
    REQUIRE(outer_ >= 0);
    if (outer_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::setns(pidfd.get(), joined) != 0) ::_exit(1);
    if (kind == Kind::mapped && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)) ::_exit(1);
    const pid_t inner = ::fork();
    if (inner == 0) {
      drop_capabilities(kept & all);
      work();
      ::_exit(0);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 0;
    ::waitpid(inner, &status, 0);
    ::_exit(status == 0 ? 0 : 1);
  }
  Insider(const Insider&) = delete;
  Insider& operator=(const Insider&) = delete;
  ~Insider() { wait(); }

  /// Whether it ended of itself, and well.
  bool wait() {
    if (outer_ <= 0) return false;
    int status = 0;
    ::waitpid(outer_, &status, 0);
    outer_ = 0;
    return status == 0;
  }

 private:
  pid_t outer_ = 0;
};

class SharedTries {
 public:
  SharedTries()
      : tries_(new (::mmap(nullptr, sizeof(Tries), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                   Tries) {}
  SharedTries(const SharedTries&) = delete;
  SharedTries& operator=(const SharedTries&) = delete;
  ~SharedTries() { ::munmap(tries_, sizeof(Tries)); }
  Tries* operator->() const { return tries_; }
  Tries& operator*() const { return *tries_; }

 private:
  Tries* tries_;
};

/// Tries all of it on all processes, for as long as `until` says.
void try_all(Tries& tries, const std::vector<pid_t>& victims, std::chrono::steady_clock::time_point until) {
  tries.is_inside = true;
  while (std::chrono::steady_clock::now() < until) {
    for (const pid_t victim : victims) {
      for (std::size_t i = 0; i < kAttempts; ++i) {
        if (try_it(static_cast<Attempt>(i), victim)) ++tries.succeeded.at(i);
      }
    }
    ++tries.rounds;
  }
}

/// All that could be worth having of an agent, as the kernel tells it.
std::map<std::string, std::string> look(pid_t agent) {
  std::map<std::string, std::string> seen;
  for (const char* field :
       {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
        "Threads", "PPid", "SigBlk", "SigIgn", "SigCgt", "Umask", "TracerPid"}) {
    seen[field] = status_field(agent, field);
  }
  for (const char* file :
       {"environ", "limits", "mountinfo", "cgroup", "oom_score_adj", "timerslack_ns", "cmdline"}) {
    seen[file] = read_file(proc_path(agent, file));
  }
  for (const std::string_view name : kNamespaceNames)
    seen["ns/" + std::string(name)] = std::to_string(namespace_inode(agent, name));
  for (const char* place : {"root", "cwd"}) {
    struct stat status {};
    REQUIRE(::stat(proc_path(agent, place).c_str(), &status) == 0);
    seen[place] = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }
  for (const int fd : descriptors_of(agent)) {
    const std::string name = "fd/" + std::to_string(fd);
    const std::string path = proc_path(agent, name);
    struct statfs filesystem {};
    REQUIRE(::statfs(path.c_str(), &filesystem) == 0);
    const std::string link = std::filesystem::read_symlink(path);
    // A mount's number is whichever was left when it was made.
    seen[fd <= 2 ? name : "mounts"] += link.starts_with("socket:")             ? "socket "
                                       : filesystem.f_type == PROC_SUPER_MAGIC ? "procfs "
                                       : filesystem.f_type == SYSFS_MAGIC      ? "sysfs "
                                                                               : link;
    // Each of them is of the same description, so that there is one way out.
    if (fd == 1 || fd == 2) CHECK(link == std::filesystem::read_symlink(proc_path(agent, "fd/0")).string());
  }
  return seen;
}

std::string difference(const std::map<std::string, std::string>& one,
                       const std::map<std::string, std::string>& other) {
  std::string lines;
  const auto add_missing = [&lines](const auto& from, const auto& to, const char* sign) {
    for (const auto& [name, value] : from) {
      const auto found = to.find(name);
      if (found == to.end() || found->second != value) lines += sign + name + " " + value + "\n";
    }
  };
  add_missing(one, other, "+");
  add_missing(other, one, "-");
  return lines;
}

/// Whether it waits for a request, rather than being about to.
bool rests(pid_t agent) {
  return wait_until([&] { return status_field(agent, "State").starts_with("S"); });
}

TEST_CASE("a warm agent holds and is nothing that a cold one does not, also after 100 events",
          "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    EventClient other(fixture.daemon);
    Json held = other.start(fixture.target, sleep_request(60), {{"freshAgent", true}});
    const auto cold = look(held["processId"]);
    CHECK(succeeded(other.terminate(held["event"])));
    for (const bool procfs : {false, true}) {
      CAPTURE(procfs);
      const pid_t agent = fixture.ask(read_request(kContainerFile, procfs));
      REQUIRE(rests(agent));
      const auto first = look(agent);
      auto expected = cold;
      if (procfs) expected["mounts"] = "procfs ";
      CHECK(difference(first, expected) == "");
      for (int i = 0; i < 100; ++i) {
        const char* const file = i % 5 == 4   ? "/proc/does/not/exist"
                                 : i % 2 == 0 ? "/proc/self/status"
                                              : kContainerFile;
        REQUIRE(fixture.ask(read_request(file, procfs)) == agent);
      }
      REQUIRE(rests(agent));
      CHECK(difference(look(agent), first) == "");
    }
  }
}

TEST_CASE("the container's root gets nothing out of a warm agent, however often it tries", "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture(kWarm, kind);
    const std::set<pid_t> agents{fixture.ask(), fixture.ask(read_request(kContainerFile, true))};
    CHECK(agents.size() == 2);
    std::vector<pid_t> inside;
    for (const pid_t agent : agents) inside.push_back(innermost_pid(agent));
    const SharedTries tries;
    const SharedTries own;
    const auto until = std::chrono::steady_clock::now() + milliseconds(700);
    {
      Insider insider(fixture.container, kind, [&] {
        // What it may do to its own processes, so that the refusals mean something.
        try_all(*own, {1}, std::chrono::steady_clock::now() + milliseconds(20));
        try_all(*tries, inside, until);
      });
      REQUIRE(wait_until([&] { return tries->is_inside.load(); }));
      // While it is idle, while it works, and in between.
      while (std::chrono::steady_clock::now() < until) {
        CHECK(agents.contains(fixture.ask()));
        CHECK(agents.contains(fixture.ask(read_request(kContainerFile, true))));
        std::this_thread::sleep_for(milliseconds(10));
      }
      CHECK(insider.wait());
    }
    CHECK(tries->rounds > 10);
    for (std::size_t i = 0; i < kAttempts; ++i) {
      CAPTURE(i);
      // Without a user namespace the container's root is the host's, whose directory that is. It tells numbers, not more.
      if (kind == Kind::mapped || static_cast<Attempt>(i) != Attempt::list_fd)
        CHECK(tries->succeeded.at(i) == 0);
      CHECK(own->succeeded.at(i) > 0);
    }
    CHECK(fixture.only_warm(2));
  }
}

/// As any process of the same user may (prlimit(2)).
void limit_descriptors(pid_t pid) {
  const rlimit none{0, 0};
  ::prlimit(pid, RLIMIT_NOFILE, &none, nullptr);
}

TEST_CASE(
    "an agent that the container's root has limited fails, for that container and for as long as it is kept",
    "[e2e][warm]") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    CAPTURE(kind == Kind::mapped);
    WarmRunc fixture({"--warm-agents", "64", "--warm-agent-time", "300ms"}, kind);
    const UnshareContainer other;
    const pid_t agent = fixture.ask();
    const pid_t inside = innermost_pid(agent);
    Insider limits(fixture.container, kind, [inside] { limit_descriptors(inside); });
    CHECK(limits.wait());
    REQUIRE(read_file(proc_path(agent, "limits")).find("Max open files            0 ") != std::string::npos);
    for (int i = 0; i < 3; ++i) {
      Json reply = fixture.client.request(fixture.target, read_request(kContainerFile))["parameters"];
      INFO(reply.dump());
      CHECK(reply["processId"] == agent);
      CHECK(reply["response"]["message"] == "errorResponse");
      CHECK(reply["response"]["payload"]["code"] == EMFILE);
    }
    const auto check_good = [&](pid_t target, const Json& more) {
      Json reply = fixture.client.request(target, read_request(kContainerFile), more)["parameters"];
      INFO(reply.dump());
      CHECK(reply["response"]["message"] == "readFileResponse");
    };
    check_good(other.pid(), Json::object());
    check_good(fixture.target, {{"freshAgent", true}});
    CHECK(wait_until([&] { return !process_exists(agent); }, seconds(2)));
    check_good(fixture.target, Json::object());
  }
}

}  // namespace
}  // namespace nsenterd::test
