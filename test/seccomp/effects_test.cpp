// Calls that are acted on have their effect in the container, for those who may have it.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using Kind = RuncContainer::UserNamespace;

constexpr char kEffectsPolicy[] = R"(
[default]
errno = "EDOM"
[syscalls.mkdirat]
handler = "mkdir"
suffix = "-{id}-{pid}"
log = true
[syscalls.mkdir]
handler = "mkdir"
[syscalls.mount]
handler = "mount"
types = ["proc", "tmpfs"]
errno = "ENOTSUP"
[syscalls.mknodat]
handler = "mknod"
devices = ["c 1:3"]
errno = "ENXIO"
[syscalls.fchmodat]
handler = "errno"
errno = "EBADMSG"
[profiles.other.syscalls.fchmodat]
handler = "continue"
)";

const Profile kEffectsProfile{.calls = {"mkdir", "mkdirat", "mount", "mknodat", "fchmodat", "getppid"}};

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%#o", mode);
  return text;
}

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw std::system_error(errno, std::generic_category(), path);
  return status;
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename());
  return names;
}

/// The process under the profile is not known before it has ended: its directory's name is all that says it.
bool is_named_by_suffix(const std::string& name, const std::string& begin) {
  const auto dash = name.rfind('-');
  return name.starts_with(begin + "-nsenterd-test-") &&
         name.find_first_not_of("0123456789", dash + 1) == std::string::npos;
}

}  // namespace

TEST_CASE("a directory is made inside, with the suffix, by the ids, mode and umask of the process") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(kind, agent, kEffectsProfile);
  container.put_directory("/here", 1000, 0755);
  REQUIRE(container.probe({"mkdirat", "cwd", "/here/new", "0777"},
                          {"--user", "1000:1001", "--env", "PROBE_UMASK=027"}) == "0");
  const auto names = names_in(container.path("/here"));
  REQUIRE(names.size() == 1);
  CHECK(is_named_by_suffix(names[0], "new"));
  const auto status = status_of(container.path("/here/" + names[0]));
  CHECK(status.st_uid == container.host_id(1000));
  CHECK(status.st_gid == container.host_id(1001));
  CHECK(octal(status.st_mode & 07777) == "0750");
  CHECK(container.shell("ls /here") == names[0] + "\n");
}

TEST_CASE("a directory is made where the process says, by whatever way it says it") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(kind, agent, kEffectsProfile);
  container.put_directory("/here", 0, 0755);
  const std::vector<std::string> in_here{"--cwd", "/here"};
  CHECK(container.probe({"mkdirat", "cwd", "relative", "0755"}, in_here) == "0");
  CHECK(container.probe({"mkdirat", "/here", "descriptor/", "0755"}) == "0");
  CHECK(container.probe({"mkdirat", "bad", "/here/absolute", "0755"}) == "0");
  CHECK(container.probe({"mkdir-page", "/here/page"}) == "0");
  for (const std::string begin : {"relative", "descriptor", "absolute", "page"}) {
    INFO(begin);
    const auto names = names_in(container.path("/here"));
    CHECK(std::count_if(names.begin(), names.end(),
                        [&](const auto& name) { return is_named_by_suffix(name, begin); }) == 1);
  }
}

TEST_CASE("calls that cannot be made have the errno that they would have without the agent") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(Kind::mapped, agent, kEffectsProfile);
  CHECK(container.probe({"mkdirat", "bad", "relative", "0755"}) == "EBADF");
  CHECK(container.probe({"mkdirat", "/bin/probe", "relative", "0755"}) == "ENOTDIR");
  CHECK(container.probe({"mkdirat", "cwd", "", "0755"}) == "ENOENT");
  CHECK(container.probe({"mkdirat", "cwd", "/", "0755"}) == "EEXIST");
  CHECK(container.probe({"mkdirat", "cwd", "/tmp/..", "0755"}) == "EEXIST");
  CHECK(container.probe({"mkdirat", "cwd", "/none/new", "0755"}) == "ENOENT");
  CHECK(container.probe({"mkdirat", "cwd", "/proc/1/cwd/new", "0755"}) == "ELOOP");
  CHECK(container.probe({"mkdir-nowhere"}) == "EFAULT");
  CHECK(container.probe({"mkdir-long"}) == "ENAMETOOLONG");
}

TEST_CASE("a filesystem of an allowed type is mounted inside, without the right to mount") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(
      kind, agent, {.calls = kEffectsProfile.calls, .metadata = {}, .capabilities = {}, .masks_proc = false});
  container.put_directory("/here", 0, 0755);
  // MS_NOSUID | MS_NODEV
  REQUIRE(container.probe({"mount", "source", "/here", "tmpfs", "6", "size=64k,mode=700"}) == "0");
  const std::string mounts = read_file(proc_path(container.pid(), "mountinfo"));
  const auto at = mounts.find(" / /here rw,nosuid,nodev,");
  REQUIRE(at != std::string::npos);
  CHECK(mounts.substr(at, mounts.find('\n', at) - at).find("- tmpfs source rw,size=64k,mode=700") !=
        std::string::npos);
  CHECK(container.shell("stat -c %a /here") == "700\n");
  CHECK(std::filesystem::exists(container.path("/here")));

  container.put_directory("/processes", 0, 0755);
  REQUIRE(container.probe({"mount", "proc", "/processes", "proc", "0", ""}) == "0");
  // It is the container's.
  CHECK(container.shell("cat /processes/1/comm") == "sleep\n");
}

TEST_CASE("a listed device is made in a container that could not, and belongs to the process") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(kind, agent, kEffectsProfile);
  container.put_directory("/here", 0, 0755);
  // S_IFCHR
  REQUIRE(container.probe({"mknodat", "cwd", "/here/null", "020640", "1", "3"}, {"--env", "PROBE_UMASK=0"}) ==
          "0");
  const auto status = status_of(container.path("/here/null"));
  CHECK(S_ISCHR(status.st_mode));
  CHECK(octal(status.st_mode & 07777) == "0640");
  CHECK(status.st_rdev == ::makedev(1, 3));
  CHECK(status.st_uid == container.host_id(0));
  CHECK(status.st_gid == container.host_id(0));
  CHECK(container.shell("stat -c '%F %t %T %u' /here/null") == "character special file 1 3 0\n");

  // S_IFIFO, as who may make one without anybody's help.
  container.put_directory("/theirs", 1000, 0755);
  REQUIRE(container.probe({"mknodat", "cwd", "/theirs/fifo", "010600", "0", "0"}, {"--user", "1000"}) == "0");
  CHECK(S_ISFIFO(status_of(container.path("/theirs/fifo")).st_mode));
  CHECK(status_of(container.path("/theirs/fifo")).st_uid == container.host_id(1000));
}

TEST_CASE("what the policy does not allow fails with its errno, and has no effect") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(kind, agent, kEffectsProfile);
  container.put_directory("/here", 0, 0755);
  const std::string mounts = read_file(proc_path(container.pid(), "mountinfo"));
  CHECK(container.probe({"mount", "sysfs", "/here", "sysfs", "0", ""}) == "EOPNOTSUPP");
  CHECK(container.probe({"mount", "proc", "/here", "proc", "0", "hidepid=0"}) == "EOPNOTSUPP");
  // MS_REMOUNT, MS_BIND, MS_MOVE, MS_PRIVATE, MS_SHARED
  for (const char* flags : {"32", "4096", "8192", "262144", "1048576"}) {
    INFO(flags);
    CHECK(container.probe({"mount", "/bin", "/here", "tmpfs", flags, ""}) == "EOPNOTSUPP");
  }
  CHECK(read_file(proc_path(container.pid(), "mountinfo")) == mounts);
  CHECK(container.probe({"mknodat", "cwd", "/here/mem", "020666", "1", "1"}) == "ENXIO");
  // S_IFBLK: of the same number.
  CHECK(container.probe({"mknodat", "cwd", "/here/ram", "060666", "1", "3"}) == "ENXIO");
  CHECK(container.probe({"fchmodat", "/here", "0700"}) == "EBADMSG");
  CHECK(container.probe({"getppid"}) == "EDOM");
  CHECK(names_in(container.path("/here")).empty());
}

TEST_CASE("a profile's own rules go before the general ones") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(
      Kind::none, agent, {.calls = kEffectsProfile.calls, .metadata = "other", .capabilities = {}});
  container.put_directory("/here", 0, 0755);
  CHECK(container.probe({"fchmodat", "/here", "0700"}) == "0");
  CHECK(octal(status_of(container.path("/here")).st_mode & 07777) == "0700");
  CHECK(container.probe({"mount", "sysfs", "/here", "sysfs", "0", ""}) == "EOPNOTSUPP");
}

TEST_CASE("who has no right to something gains none") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(kind, agent, kEffectsProfile);
  container.put_directory("/roots", 0, 0755);
  container.put_directory("/theirs", 1000, 0755);
  container.put_directory("/groups", 0, 0775);
  ::chown(container.path("/groups").c_str(), container.host_id(0), container.host_id(2000));
  const std::vector<std::string> as_user{"--user", "1000:1000"};
  CHECK(container.probe({"mkdirat", "cwd", "/roots/new", "0755"}, as_user) == "EACCES");
  CHECK(container.probe({"mknodat", "cwd", "/roots/fifo", "010600", "0", "0"}, as_user) == "EACCES");
  CHECK(container.probe({"mknodat", "cwd", "/theirs/null", "020666", "1", "3"}, as_user) == "ENXIO");
  // Root, and with the capability, but not of the container.
  CHECK(container.probe({"mknodat", "cwd", "/theirs/null", "020666", "1", "3"},
                        {"--user", "1000:1000", "--env", "PROBE_OWN_USER_NAMESPACE=1"}) == "ENXIO");
  CHECK(container.probe({"mount", "tmpfs", "/theirs", "tmpfs", "0", ""}, as_user) == "EOPNOTSUPP");
  CHECK(container.probe({"mkdirat", "cwd", "/groups/new", "0755"}, as_user) == "EACCES");
  CHECK(container.probe({"mkdirat", "cwd", "/groups/new", "0755"},
                        {"--user", "1000:1000", "--additional-gids", "2000"}) == "0");
  CHECK(container.probe({"mkdirat-unmapped", "/theirs/new"}, as_user) == "EPERM");
  // Root of the container, without CAP_DAC_OVERRIDE.
  CHECK(container.probe({"mkdirat", "cwd", "/theirs/new", "0755"}) == "EACCES");
  CHECK(names_in(container.path("/roots")).empty());
  CHECK(names_in(container.path("/theirs")).empty());
}

TEST_CASE("who leaves the container's user namespace before the agent looks gains nothing") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(Kind::none, agent, kEffectsProfile);
  container.put_directory("/theirs", 1000, 0755);
  const pid_t stopped = agent.process().pid();
  REQUIRE(::kill(stopped, SIGSTOP) == 0);
  // Until the process has handed itself over and has made a user namespace of its own.
  std::thread later([stopped] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    ::kill(stopped, SIGCONT);
  });
  const std::string outcome = container.probe({"mknodat", "cwd", "/theirs/null", "020666", "1", "3"},
                                              {"--user", "1000:1000", "--env", "PROBE_OWN_USER_NAMESPACE=1"});
  later.join();
  CHECK(outcome == "ENXIO");
  CHECK(names_in(container.path("/theirs")).empty());
}

TEST_CASE("capabilities that the process has count") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(
      kind, agent, {.calls = kEffectsProfile.calls, .metadata = {}, .capabilities = {"CAP_DAC_OVERRIDE"}});
  container.put_directory("/theirs", 1000, 0755);
  CHECK(container.probe({"mkdirat", "cwd", "/theirs/new", "0755"}) == "0");
  // Over the ids of its user namespace, not over those of the host.
  if (kind == Kind::mapped) {
    container.put_directory("/hosts", 0, 0755);
    REQUIRE(::chown(container.path("/hosts").c_str(), 0, 0) == 0);
    CHECK(container.probe({"mkdirat", "cwd", "/hosts/new", "0755"}) == "EACCES");
    CHECK(container.probe({"mknodat", "cwd", "/hosts/null", "020666", "1", "3"}) == "EACCES");
  }
}

TEST_CASE("a container without the profile is not affected") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kEffectsPolicy);
  const ProfiledContainer container(Kind::none, agent, kEffectsProfile);
  const RuncContainer other(Kind::none);
  REQUIRE(other.exec_configured({"mkdir", "/tmp/new"}).status == 0);
  CHECK(names_in(other.root() / "tmp") == std::vector<std::string>{"new"});
}

}  // namespace nsenterd::test
