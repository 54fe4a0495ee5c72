// On whose behalf nsenterctl acts: --as, --uid and --gid, and what holds without them.
#include <csignal>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsenterctl.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

std::string owner_on_host(const ContainerFixture& fixture, const std::string& path) {
  struct stat status {};
  if (::stat(fixture.on_host(path).c_str(), &status) != 0) return "missing";
  return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
}

/// "UID:GID" of the container as the host numbers them.
std::string ids(const ContainerFixture& fixture, uid_t uid, gid_t gid) {
  return std::to_string(fixture.first_id + uid) + ":" + std::to_string(fixture.first_id + gid);
}

void check_another_user(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell(
      "mkdir -p /tmp/d; chmod 777 /tmp/d; echo secret > /tmp/d/secret; chmod 600 /tmp/d/secret");
  fixture.quietly({"xattr", "set", pid, "/tmp/d/secret", "user.a", "1"});
  const Sleeper user(fixture, {"-S", "1000", "-G", "100"}, {"/bin/sleep", "infinity"});
  fixture.fails("EACCES", {"open", "--as", user.pid(), pid, "/tmp/d/secret", "cat"});
  fixture.fails("EACCES", {"xattr", "get", "--as", user.pid(), pid, "/tmp/d/secret", "user.a"});
  fixture.fails("EACCES", {"read", "--as", user.pid(), pid, "/tmp/d/secret"});
  fixture.fails("EACCES", {"write", "--as", user.pid(), pid, "/tmp/d/secret"});
  fixture.quietly({"open", "--as", user.pid(), "--write", "--create", pid, "/tmp/d/his", "true"});
  CHECK(owner_on_host(fixture, "/tmp/d/his") == ids(fixture, 1000, 100));
  CHECK(fixture.shell("echo his | CTL write --as " + user.pid() + " " + pid + " /tmp/d/his").status == 0);
  CHECK(fixture.of({"read", "--as", user.pid(), pid, "/tmp/d/his"}) == "his\n");
  // --gid goes before the process's.
  fixture.quietly({"open", "--as", user.pid(), "--gid", std::to_string(fixture.first_id + 7), "--write",
                   "--create", pid, "/tmp/d/theirs", "true"});
  CHECK(owner_on_host(fixture, "/tmp/d/theirs") == ids(fixture, 1000, 7));
  // Without a process: those ids, and the capabilities of root, which open what is secret.
  fixture.quietly({"open", "--uid", std::to_string(fixture.first_id + 5), "--gid",
                   std::to_string(fixture.first_id + 6), "--write", "--create", pid, "/tmp/d/number",
                   "true"});
  CHECK(owner_on_host(fixture, "/tmp/d/number") == ids(fixture, 5, 6));
  CHECK(fixture.of({"open", "--uid", std::to_string(fixture.first_id + 5), pid, "/tmp/d/secret", "cat"}) ==
        "secret\n");
  CHECK(fixture.of({"read", "--uid", std::to_string(fixture.first_id + 5), pid, "/tmp/d/secret"}) ==
        "secret\n");
  CHECK(fixture.of({"read", pid, "/tmp/d/secret"}) == "secret\n");
}

void check_another_root(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell(
      "mkdir -p /tmp/jail/bin /tmp/jail/sub; cp /bin/busybox /tmp/jail/bin/sleep; echo jail > /tmp/jail/here;"
      "echo sub > /tmp/jail/sub/there; ln -sfn /here /tmp/jail/link");
  const Sleeper jailed(fixture, {}, {"/bin/busybox", "chroot", "/tmp/jail", "/bin/sleep", "infinity"});
  CHECK(fixture.of({"open", "--as", jailed.pid(), pid, "/here", "cat"}) == "jail\n");
  CHECK(fixture.of({"open", "--as", jailed.pid(), pid, "/link", "cat"}) == "jail\n");
  CHECK(fixture.of({"read", "--as", jailed.pid(), pid, "/here"}) == "jail\n");
  fixture.fails("ENOENT", {"open", "--as", jailed.pid(), pid, "/tmp/jail/here", "cat"});
  const Sleeper inside(fixture, {}, {"/bin/sh", "-c", "cd /tmp/jail/sub && exec /bin/sleep infinity"});
  CHECK(fixture.of({"open", "--as", inside.pid(), pid, "there", "cat"}) == "sub\n");
  CHECK(fixture.of({"read", "--as", inside.pid(), pid, "there"}) == "sub\n");
}

void check_callers(RuncContainer::UserNamespace user_namespace) {
  const ContainerFixture fixture(user_namespace);
  check_another_user(fixture);
  check_another_root(fixture);
}

TEST_CASE("nsenterctl acts for another process of a container with a user namespace", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  check_callers(RuncContainer::UserNamespace::mapped);
}

TEST_CASE("nsenterctl acts for another process of a container without a user namespace", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  check_callers(RuncContainer::UserNamespace::none);
}

TEST_CASE("a process that cannot be read, or an id that the container does not have, is an error",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const ContainerFixture fixture(RuncContainer::UserNamespace::mapped);
  fixture.fails("ESRCH", {"open", "--as", "4194304", fixture.pid, "/etc/passwd", "cat"});
  const auto unmapped = fixture.ctl({"open", "--uid", "5", fixture.pid, "/etc/passwd", "cat"});
  CHECK(unmapped.status == 3);
  CHECK(unmapped.errors == "nsenterctl: invalid parameter: uid\n");
  for (const char* id : {"--uid", "--gid"}) {
    for (const char* command : {"read", "write"}) {
      const auto refused = fixture.ctl({command, id, "5", fixture.pid, "/etc/passwd"});
      CHECK(refused.status == 3);
      CHECK(refused.errors == "nsenterctl: invalid parameter: " + std::string(id).substr(2) + "\n");
    }
  }
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  const auto dead = fixture.ctl({"xattr", "list", "--as", std::to_string(child), fixture.pid, "/etc/passwd"});
  CHECK(dead.status == 1);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace nsenterd::test
