// Whose rights a request has: seen from outside, in the process that carries it out, while it is held by a filesystem that
// does not answer.
#include <chrono>
#include <sstream>
#include <system_error>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/held_request.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;

constexpr std::uint64_t kDacOverride = 1U << 1U;

Json getxattr_request(const Personality& personality, const std::string& path) {
  return {{"message", "getxattrSyscallRequest"},
          {"payload",
           {{"Header", personality.header()},
            {"syscall", "getxattr"},
            {"path", path},
            {"name", "user.x"},
            {"size", 64}}}};
}

Json listxattr_request(const Personality& personality, const std::string& path) {
  return {{"message", "ListxattrSyscallRequest"},
          {"payload",
           {{"Header", personality.header()}, {"syscall", "llistxattr"}, {"path", path}, {"size", 64}}}};
}

Json overlay_request(const Personality& personality, const std::string& path) {
  Json mount{{"Header", personality.header()},
             {"source", "overlay"},
             {"target", "/merged"},
             {"fstype", "overlay"},
             {"flags", 0},
             {"data", "lowerdir=" + path + ":/scratch"}};
  return {{"message", "mountSyscallRequest"}, {"payload", Json::array({std::move(mount)})}};
}

/// The whole of /jail stands for a root of the caller's own; what is below /jail/stalled never answers.
struct Jail {
  ServedContainer served;
  StalledMount stalled;

  explicit Jail(Kind kind) : served(kind), stalled(prepared(served), "/jail/stalled") {}

  static const Container& prepared(const ServedContainer& served) {
    for (const char* directory : {"/jail", "/jail/stalled", "/jail/scratch", "/jail/merged"}) {
      served.put_directory(directory);
    }
    served.put_directory("/private", 0700);
    return served.container();
  }
};

Personality jailed(std::uint64_t capabilities = 0) {
  return {.root = "/jail", .cwd = "/jail/scratch", .capabilities = capabilities, .uid = {}, .gid = {}};
}

Personality jailed_user(std::uint64_t capabilities = 0, uid_t uid = 1000, gid_t gid = 1000) {
  return {.root = "/jail", .cwd = "/jail/scratch", .capabilities = capabilities, .uid = uid, .gid = gid};
}

/// The kernel's line of four ids: real, effective, saved, filesystem.
struct Ids {
  unsigned long real = 0, effective = 0, saved = 0, filesystem = 0;
};
Ids ids_of(pid_t pid, std::string_view field) {
  Ids ids;
  std::istringstream(status_field(pid, field)) >> ids.real >> ids.effective >> ids.saved >> ids.filesystem;
  return ids;
}

std::uint64_t capabilities_of(pid_t pid, std::string_view field) {
  return std::stoull(status_field(pid, field), nullptr, 16);
}

std::pair<dev_t, ino_t> identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw std::system_error(errno, std::generic_category(), path);
  return {status.st_dev, status.st_ino};
}

void check_ids(pid_t agent, uid_t uid, gid_t gid) {
  CHECK(ids_of(agent, "Uid").effective == uid);
  CHECK(ids_of(agent, "Uid").filesystem == uid);
  CHECK(ids_of(agent, "Gid").effective == gid);
  CHECK(ids_of(agent, "Gid").filesystem == gid);
  CHECK(status_field(agent, "Groups").find_first_not_of(' ') == std::string::npos);
}

/// Compares what the kernel shows of the agent with what was asked for.
void check_personality(const ServedContainer& served, pid_t agent, const Personality& asked) {
  CAPTURE(asked.capabilities, asked.uid.value_or(0), asked.gid.value_or(0));
  check_ids(agent, served.host_id(asked.uid.value_or(0)), served.host_id(asked.gid.value_or(0)));
  CHECK(capabilities_of(agent, "CapEff") == asked.capabilities);
  CHECK(capabilities_of(agent, "CapPrm") == asked.capabilities);
  CHECK(capabilities_of(agent, "CapInh") == asked.capabilities);
  CHECK(identity(proc_path(agent, "root/.")) == identity(served.path(asked.root)));
  CHECK(identity(proc_path(agent, "cwd/.")) == identity(served.path(asked.cwd)));
  // Its socket, three times, and nothing else.
  CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
  // Were it dumpable, what is in here would be the effective user's.
  struct stat status {};
  CHECK(::stat(proc_path(agent, "environ").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
  CHECK(status.st_gid == 0);
}

TEST_CASE("an agent has exactly the ids, capabilities, root and directory that it was asked to have",
          "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Jail jail(GENERATE(Kind::none, Kind::mapped));
  const std::uint64_t all = jail.served.all_capabilities();
  for (const std::uint64_t wanted :
       {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}, kDacOverride, std::uint64_t{1} << 21U,
        std::uint64_t{1} << 31U, std::uint64_t{1} << 32U, std::uint64_t{0xff} << 32U,
        std::uint64_t{0xffffffff}, std::uint64_t{0x5555555555555555}, std::uint64_t{0xaaaaaaaaaaaaaaaa}}) {
    for (const Personality& asked : {jailed(wanted & all), jailed_user(wanted & all)}) {
      const HeldRequest held(jail.served, getxattr_request(asked, "/stalled/f"), asked);
      check_personality(jail.served, held.agent(), asked);
    }
  }
  Personality only_uid = jailed();
  only_uid.uid = 1000;
  Personality only_gid = jailed(all);
  only_gid.gid = 1000;
  for (const Personality& asked : {jailed_user(0, 0, 1000), jailed_user(all, 1000, 0),
                                   jailed_user(kDacOverride, 65535, 65534), only_uid, only_gid}) {
    const HeldRequest held(jail.served, getxattr_request(asked, "/stalled/f"), asked);
    check_personality(jail.served, held.agent(), asked);
  }
  CHECK(jail.served.nothing_left());
}

TEST_CASE("every message that takes a personality takes all of it", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Jail jail(GENERATE(Kind::none, Kind::mapped));
  const Personality user = jailed_user(kDacOverride);
  for (const Json& message :
       {listxattr_request(user, "/stalled/f"), openat2_request(user, {.path = "/stalled/f"}),
        openat2_request(user, {.path = "../stalled/f"})}) {
    CAPTURE(message.dump());
    const HeldRequest held(jail.served, message, user);
    check_personality(jail.served, held.agent(), user);
  }
  const Personality administrator = jailed(jail.served.all_capabilities());
  const HeldRequest held(jail.served, overlay_request(administrator, "/stalled/f"), administrator);
  check_personality(jail.served, held.agent(), administrator);
  // Others are answered meanwhile.
  CHECK(jail.served.error(read_request("/etc/passwd")) == 0);
  CHECK(jail.served.error(getxattr_request({}, "/etc/passwd")) == ENODATA);
}

TEST_CASE("the directory is entered before the root is changed and before the user is", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Jail jail(GENERATE(Kind::none, Kind::mapped));
  Personality asked = jailed_user();
  // Neither below the root, nor one that the user may enter.
  asked.cwd = "/private";
  const HeldRequest held(jail.served, getxattr_request(asked, "/stalled/f"), asked);
  check_personality(jail.served, held.agent(), asked);
}

TEST_CASE("a personality that cannot be taken is the response", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/file", "");
  const auto error = [&](const Personality& personality) {
    return served.error(getxattr_request(personality, "/file"), personality);
  };
  // Taken whole, it gets as far as the attribute, which is not there.
  CHECK(error({}) == ENODATA);
  CHECK(error({.cwd = "/none"}) == ENOENT);
  CHECK(error({.cwd = "/file"}) == ENOTDIR);
  CHECK(error({.root = "/none"}) == ENOENT);
  CHECK(error({.root = "/file"}) == ENOTDIR);
  const std::uint64_t all_but_root = ~served.all_capabilities() & 0x1ffffffffffU;
  if (all_but_root != 0) CHECK(error({.capabilities = all_but_root}) == EPERM);
  const Json missing = served.response(getxattr_request({.cwd = "/none"}, "/file"));
  CHECK(missing.at("payload").at("message").get<std::string>().find("/none: no such file") !=
        std::string::npos);
  CHECK(served.nothing_left());
}

TEST_CASE("ids are the host's where no user namespace is joined", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Jail jail(GENERATE(Kind::none, Kind::mapped));
  const Personality asked = jailed();
  Json parameters = jail.served.parameters(getxattr_request(asked, "/stalled/f"), asked);
  parameters["namespace"] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};
  {
    const HeldRequest root(jail.served, parameters);
    check_ids(root.agent(), 0, 0);
  }
  parameters.update({{"uid", 1000}, {"gid", 1001}});
  const HeldRequest user(jail.served, parameters);
  check_ids(user.agent(), 1000, 1001);
}

TEST_CASE("a request that is held ends with its deadline and leaves nothing", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Jail jail(GENERATE(Kind::none, Kind::mapped));
  for (const Personality& asked : {jailed(), jailed_user()}) {
    const auto begin = std::chrono::steady_clock::now();
    const Json reply =
        jail.served.reply(getxattr_request(asked, "/stalled/f"), asked, {{"timeoutMilliseconds", 200}});
    const auto elapsed = std::chrono::steady_clock::now() - begin;
    CHECK(error_of(reply) == "io.nsenterd.TimedOut");
    CHECK(elapsed >= std::chrono::milliseconds(200));
    CHECK(elapsed < std::chrono::seconds(2));
    CHECK(jail.served.nothing_left());
  }
}

/// Makes this process the parent of those whose own parent has ended.
class Subreaper {
 public:
  Subreaper() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

/// How a child ended, within a second; -1 if it did not.
int signal_that_ended(pid_t child) {
  int status = 0;
  const bool ended =
      wait_until([&] { return ::waitpid(child, &status, WNOHANG) == child; }, std::chrono::seconds(1));
  return ended && WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST_CASE("an agent that has another user's rights still ends with its daemon", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Kind kind = GENERATE(Kind::none, Kind::mapped);
  for (const Personality& asked : {jailed_user(), jailed_user(kDacOverride), jailed()}) {
    Jail jail(kind);
    const HeldRequest held(jail.served, getxattr_request(asked, "/stalled/f"), asked);
    const pid_t fork_server = jail.served.daemon().fork_server();
    const Subreaper subreaper;
    CHECK(jail.served.daemon().end(SIGKILL) == 128 + SIGKILL);
    // It cannot have ended by itself: it waits for the filesystem.
    CHECK(signal_that_ended(held.agent()) == SIGKILL);
    wait_until([&] { return ::waitpid(fork_server, nullptr, WNOHANG) != 0; });
  }
}

/// What a process of the container can learn of process `pid` there, one word each.
std::string script_to_pry(const std::string& pid) {
  const std::string base = "/proc/" + pid + "/";
  return "for f in environ auxv maps mem; do (exec 3<" + base + "$f) 2>/dev/null && echo $f; done; " +
         "for f in root cwd exe; do readlink " + base + "$f >/dev/null 2>&1 && echo $f; done; " +
         "for f in fd map_files; do ls " + base + "$f >/dev/null 2>&1 && echo $f; done; true";
}

TEST_CASE("a container's processes cannot look into an agent that has their own user's rights", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Kind kind = GENERATE(Kind::none, Kind::mapped);
  Jail jail(kind);
  const Container& container = jail.served.container();
  const auto as_user = [&](const std::string& script) {
    return output_of({"nsenter", "-t", std::to_string(container.pid()), "-a", "-S", "1000", "-G", "1000",
                      "--", "/bin/sh", "-c", script});
  };
  const std::string everything = "environ\nauxv\nmaps\nmem\nroot\ncwd\nexe\nfd\n";
  // So the script does find what may be found.
  CHECK(as_user("sleep 5 & " + script_to_pry("$!") + "; kill $!").starts_with(everything));
  for (const std::uint64_t capabilities : {std::uint64_t{0}, kDacOverride}) {
    const Personality asked = jailed_user(capabilities);
    const HeldRequest held(jail.served, getxattr_request(asked, "/stalled/f"), asked);
    const std::string pid = std::to_string(innermost_pid(held.agent()));
    CHECK(as_user(script_to_pry(pid)).empty());
    // Root of a user namespace of its own has every capability there.
    if (kind == Kind::mapped) CHECK(container.shell(script_to_pry(pid)).empty());
  }
}

}  // namespace
}  // namespace nsenterd::test
