// mountSyscallRequest: what it mounts, seen from outside, and what it refuses.
#include <cerrno>
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::mount;
using message::mount_of;
using message::tmpfs_on;

TEST_CASE("a tmpfs is mounted with its flags and data", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir -p /mnt/a");
  CHECK(events.payload(mount({tmpfs_on("/mnt/a", MS_NOSUID | MS_NODEV, "size=64k,mode=0711")})) == "");
  const auto mounts = mounts_at(events.pid(), "/mnt/a");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].type == "tmpfs");
  CHECK(has_option(mounts[0].options, "rw"));
  CHECK(has_option(mounts[0].options, "nosuid"));
  CHECK(has_option(mounts[0].options, "nodev"));
  CHECK_FALSE(has_option(mounts[0].options, "noexec"));
  CHECK(has_option(mounts[0].super_options, "size=64k"));
  CHECK(has_option(mounts[0].super_options, "mode=711"));
  CHECK(events.container().shell("set -e; echo text > /mnt/a/file; cat /mnt/a/file") == "text\n");
}

TEST_CASE("a bind mount shows the same directory, and a remount changes the mount that is there",
          "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p /mnt/a /mnt/b; echo text > /mnt/a/file");
  CHECK(events.payload(mount({mount_of("/mnt/a", "/mnt/b", "", MS_BIND)})) == "");
  CHECK(events.container().output_of({"cat", "/mnt/b/file"}) == "text\n");
  REQUIRE(mounts_at(events.pid(), "/mnt/b").size() == 1);

  CHECK(events.payload(mount({mount_of("", "/mnt/b", "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC)})) ==
        "");
  const auto mounts = mounts_at(events.pid(), "/mnt/b");
  REQUIRE(mounts.size() == 1);
  CHECK(has_option(mounts[0].options, "ro"));
  CHECK(has_option(mounts[0].options, "noexec"));
  CHECK(events.container().exec({"/bin/sh", "-c", "echo x > /mnt/b/file"}).status != 0);
  CHECK(events.container().shell("set -e; echo x > /mnt/a/file; cat /mnt/b/file") == "x\n");
}

TEST_CASE("a list is mounted in order, whatever the header of a mount that is no overlay says",
          "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir -p /mnt/source/inner /mnt/a");
  const Json elsewhere = message::header("/does/not/exist", "/neither/does/this");
  CHECK(events.payload(mount({mount_of("/mnt/source", "/mnt/a", "", MS_BIND, "", elsewhere),
                              mount_of("tmpfs", "/mnt/a/inner", "tmpfs", 0, "", elsewhere),
                              mount_of("", "/mnt/a", "", MS_REMOUNT | MS_BIND | MS_RDONLY)})) == "");
  REQUIRE(mounts_at(events.pid(), "/mnt/a").size() == 1);
  CHECK(has_option(mounts_at(events.pid(), "/mnt/a")[0].options, "ro"));
  REQUIRE(mounts_at(events.pid(), "/mnt/a/inner").size() == 1);
  CHECK(mounts_at(events.pid(), "/mnt/a/inner")[0].type == "tmpfs");
  CHECK(std::filesystem::is_empty(events.outside("/mnt/a/inner")));
}

TEST_CASE("a procfs is that of the container's processes", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir -p /mnt/a /mnt/b");
  const std::uint64_t flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  CHECK(events.payload(mount({mount_of("proc", "/mnt/a", "proc", flags)})) == "");
  REQUIRE(mounts_at(events.pid(), "/mnt/a").size() == 1);
  CHECK(mounts_at(events.pid(), "/mnt/a")[0].type == "proc");
  CHECK(events.container().output_of({"cat", "/mnt/a/1/comm"}) == "sleep\n");

  // To whom none is visible, none is given, unless he is root of the host.
  events.container().shell("set -e; umount -l /mnt/a; umount -l /proc");
  const int error = events.error(mount({mount_of("proc", "/mnt/b", "proc", flags)}));
  CHECK(error == (events.is_mapped() ? EPERM : 0));
  CHECK(mounts_at(events.pid(), "/mnt/b").empty() == events.is_mapped());
}

TEST_CASE("a mount is seen by the container, one in a new mount namespace by nobody", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p /mnt/a /mnt/b /mnt/shared; mount -t tmpfs tmpfs /mnt/shared");
  const Json new_namespace{{"cloneFlags", CLONE_NEWNS}};
  CHECK(events.payload(mount({tmpfs_on("/mnt/b")}), new_namespace) == "");
  CHECK(mounts_at(events.pid(), "/mnt/b").empty());
  // Not below a mount that tells its peers either.
  CHECK(events.payload(mount({mount_of("", "/mnt/shared", "", MS_SHARED)})) == "");
  REQUIRE(mounts_at(events.pid(), "/mnt/shared").size() == 1);
  CHECK(mounts_at(events.pid(), "/mnt/shared")[0].propagation.starts_with("shared:"));
  CHECK(events.payload(mount({tmpfs_on("/mnt/shared")}), new_namespace) == "");
  CHECK(mounts_at(events.pid(), "/mnt/shared").size() == 1);
  CHECK(events.payload(mount({tmpfs_on("/mnt/a")})) == "");
  CHECK(mounts_at(events.pid(), "/mnt/a").size() == 1);
}

TEST_CASE("a mount that fails brings the errno of mount(2), and leaves no trace", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p /mnt/a; echo > /mnt/file; ln -s loop /mnt/loop");
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  const Json missing = events.response(mount({tmpfs_on("/does/not/exist")}));
  CHECK(missing["message"] == "errorResponse");
  CHECK(missing["payload"]["code"] == ENOENT);
  CHECK(missing["payload"]["message"] == "mount /does/not/exist: no such file or directory");
  CHECK(events.error(mount({tmpfs_on("")})) == ENOENT);
  CHECK(events.error(mount({tmpfs_on("/mnt/file")})) == ENOTDIR);
  CHECK(events.error(mount({tmpfs_on("/mnt/loop")})) == ELOOP);
  CHECK(events.error(mount({tmpfs_on("/" + std::string(256, 'a'))})) == ENAMETOOLONG);
  CHECK(events.error(mount({mount_of("x", "/mnt/a", "nosuchfs")})) == ENODEV);
  CHECK(events.error(mount({mount_of("x", "/mnt/a", "")})) == ENODEV);
  CHECK(events.error(mount({mount_of("/does/not/exist", "/mnt/a", "", MS_BIND)})) == ENOENT);
  CHECK(events.error(mount({tmpfs_on("/mnt/a", 0, "nosuchoption=1")})) == EINVAL);
  // Not a mountpoint.
  CHECK(events.error(mount({mount_of("", "/mnt/a", "", MS_REMOUNT)})) == EINVAL);
  // A filesystem on a device is not for the owner of a user namespace.
  CHECK(events.error(mount({mount_of("/dev/null", "/mnt/a", "ext4")})) ==
        (events.is_mapped() ? EPERM : ENOTBLK));
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
}

TEST_CASE("flags that are no flags reach the kernel whole, which refuses them", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir -p /mnt/a");
  // Cut down to 32 bits the second and the third would succeed.
  for (const std::uint64_t flags : {~std::uint64_t{0}, std::uint64_t{1} << 32U, std::uint64_t{1} << 63U}) {
    CAPTURE(flags);
    CHECK(events.error(mount({tmpfs_on("/mnt/a", flags)})) == EINVAL);
  }
  CHECK(mounts_at(events.pid(), "/mnt/a").empty());
}

}  // namespace
}  // namespace nsenterd::test
