// nsenterctl mount, umount and mounts, compared with the mountinfo that the kernel shows of the container.
#include <optional>

#include "nsenterctl.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// The topmost mount at a place of the container; nothing if there is none.
std::optional<Mount> mount_at(const ContainerFixture& fixture, const std::string& target) {
  const std::vector<Mount> mounts = mounts_at(fixture.container.pid(), target);
  if (mounts.empty()) return std::nullopt;
  return mounts.back();
}

void check_new_mount(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/m");
  fixture.quietly(
      {"mount", fixture.pid, "cli-test", "/tmp/m", "-t", "tmpfs", "-o", "nosuid,noexec,size=64k,mode=750"});
  const auto mount = mount_at(fixture, "/tmp/m");
  REQUIRE(mount.has_value());
  CHECK(mount->type == "tmpfs");
  for (const char* option : {"nosuid", "noexec"}) CHECK(has_option(mount->options, option));
  for (const char* option : {"size=64k", "mode=750"}) CHECK(has_option(mount->super_options, option));
  // Options of umount before it are none of the program's: they come after it.
  fixture.refuses({{"--lazy", "umount", fixture.pid, "/tmp/m"}});
  fixture.quietly({"umount", fixture.pid, "/tmp/m"});
  CHECK_FALSE(mount_at(fixture, "/tmp/m").has_value());
  fixture.fails("EINVAL", {"umount", fixture.pid, "/tmp/m"});
  fixture.fails("ENOENT", {"mount", fixture.pid, "none", "/tmp/missing", "-t", "tmpfs"});
  fixture.fails("ENODEV", {"mount", fixture.pid, "none", "/tmp/m", "-t", "nosuchfs"});
  const Json response =
      Json::parse(fixture.of({"--json", "mount", fixture.pid, "none", "/tmp/m", "-t", "tmpfs"}));
  CHECK(response == Json({{"message", "mountSyscallResponse"}, {"payload", ""}}));
  fixture.quietly({"umount", fixture.pid, "/tmp/m"});
}

/// One mount(2) would bind, and forget about "ro".
void check_bind(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/m /tmp/bound; echo text > /tmp/bound/file");
  fixture.quietly({"mount", fixture.pid, "/tmp/bound", "/tmp/m", "-o", "bind,ro,rprivate"});
  CHECK(has_option(mount_at(fixture, "/tmp/m").value().options, "ro"));
  CHECK(fixture.container.output_of({"cat", "/tmp/m/file"}) == "text\n");
  CHECK(fixture.container.exec({"/bin/sh", "-c", "echo > /tmp/m/file"}).status != 0);
  fixture.quietly({"mount", fixture.pid, "none", "/tmp/m", "-o", "remount,bind,rw"});
  CHECK(has_option(mount_at(fixture, "/tmp/m").value().options, "rw"));
  fixture.quietly({"mount", fixture.pid, "none", "/tmp/m", "-o", "shared"});
  CHECK(mount_at(fixture, "/tmp/m").value().propagation.starts_with("shared:"));
  fixture.quietly({"umount", fixture.pid, "/tmp/m"});
}

void check_ways_to_unmount(const ContainerFixture& fixture) {
  const auto mount = [&](const std::string& target) {
    fixture.quietly({"mount", fixture.pid, "none", target, "-t", "tmpfs"});
  };
  fixture.container.shell("mkdir -p /tmp/m; ln -sfn m /tmp/link");
  mount("/tmp/m");
  fixture.container.shell("mkdir /tmp/m/inner");
  mount("/tmp/m/inner");
  fixture.fails("EBUSY", {"umount", fixture.pid, "/tmp/m"});
  fixture.quietly({"umount", fixture.pid, "--lazy", "/tmp/m"});
  CHECK_FALSE(mount_at(fixture, "/tmp/m").has_value());
  mount("/tmp/m");
  fixture.fails("EAGAIN", {"umount", fixture.pid, "/tmp/m", "--expire"});
  fixture.quietly({"umount", fixture.pid, "/tmp/m", "--expire"});
  mount("/tmp/m");
  fixture.fails("EINVAL", {"umount", fixture.pid, "/tmp/link", "--no-follow"});
  fixture.quietly({"umount", fixture.pid, "/tmp/link", "--force"});
  CHECK_FALSE(mount_at(fixture, "/tmp/m").has_value());
}

void check_overlay(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/m /tmp/lower /tmp/upper /tmp/scratch; echo lower > /tmp/lower/file");
  const std::vector<std::string> mount{
      "mount", fixture.pid, "overlay", "/tmp/m",
      "-t",    "overlay",   "-o",      "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/scratch"};
  // runc's own process has hardly any capabilities, and who acts as that process has no more.
  auto powerless = mount;
  powerless.insert(powerless.begin(), {"--as", fixture.pid});
  fixture.fails("EPERM", powerless);
  fixture.quietly(mount);
  CHECK(mount_at(fixture, "/tmp/m").value().type == "overlay");
  CHECK(fixture.container.output_of({"cat", "/tmp/m/file"}) == "lower\n");
  fixture.container.shell("echo upper > /tmp/m/file");
  CHECK(read_file(fixture.on_host("/tmp/upper/file")) == "upper\n");
  CHECK(read_file(fixture.on_host("/tmp/lower/file")) == "lower\n");
  fixture.quietly({"umount", fixture.pid, "/tmp/m"});
}

void check_mountinfo(const ContainerFixture& fixture) {
  const std::string expected = read_file(proc_path(fixture.container.pid(), "mountinfo"));
  CHECK(fixture.of({"mounts", fixture.pid}) == expected);
  CHECK(Json::parse(fixture.of({"mounts", "--json", fixture.pid}))["message"] == "mountInfoResponse");
}

void check_mounts(RuncContainer::UserNamespace user_namespace) {
  const ContainerFixture fixture(user_namespace);
  check_new_mount(fixture);
  check_bind(fixture);
  check_ways_to_unmount(fixture);
  check_overlay(fixture);
  check_mountinfo(fixture);
}

TEST_CASE("filesystems are mounted and unmounted in a runc container with a user namespace", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  check_mounts(RuncContainer::UserNamespace::mapped);
}

TEST_CASE("filesystems are mounted and unmounted in a runc container without a user namespace",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  check_mounts(RuncContainer::UserNamespace::none);
}

TEST_CASE("wrong usage of mount and umount has exit status 2", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{"mount", "1", "none", "/m"},
                   {"mount", "1", "none", "/m", "-t"},
                   {"mount", "1", "none", "/m", "-t", "tmpfs", "-o", "loop"},
                   {"mount", "1", "none", "/m", "-t", "tmpfs", "-o", "user,ro"},
                   {"mount", "1", "none", "/m", "-t", "tmpfs", "--private-proc"},
                   {"mount", "1", "none", "/m", "-t", "tmpfs", "--as", "1"},
                   {"mount", "1", "none", "/m", "-t", "tmpfs", "--uid", "0"},
                   {"mount", "1", "none", "/\xff", "-t", "tmpfs"},
                   {"umount", "1"},
                   {"umount", "1", "/m", "/n"},
                   {"umount", "1", "/m", "--expire", "--lazy"},
                   {"umount", "1", "/m", "--uid", "0"},
                   {"mounts"},
                   {"mounts", "1", "--private-proc"}});
}

}  // namespace
}  // namespace nsenterd::test
