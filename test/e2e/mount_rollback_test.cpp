// A list of mounts of which one fails: what was done before it is undone, and nothing else.
#include <cerrno>

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

const Json kFailing = tmpfs_on("/does/not/exist");

TEST_CASE("what a failing list has mounted is unmounted again, the last first", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir -p /mnt/source/inner /mnt/a /mnt/b");
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  // While the second is there, the first is busy. What comes after the failure is not tried.
  CHECK(events.error(mount({mount_of("/mnt/source", "/mnt/a", "", MS_BIND), tmpfs_on("/mnt/a/inner"),
                            mount_of("/mnt/a", "/mnt/a/inner", "", MS_BIND), kFailing,
                            tmpfs_on("/mnt/b")})) == ENOENT);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);

  // The errno is that of the failure, whatever the undoing brings.
  CHECK(events.error(mount({tmpfs_on("/mnt/a"), mount_of("x", "/mnt/b", "nosuchfs")})) == ENODEV);
  CHECK(events.error(mount({kFailing, tmpfs_on("/mnt/a")})) == ENOENT);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
}

TEST_CASE("mounts that were there before a failing list stay, also below one of its own", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/a /mnt/b; mount -t tmpfs -o size=64k tmpfs /mnt/a; echo > /mnt/a/x");
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  REQUIRE(mounts_at(events.pid(), "/mnt/a").size() == 1);
  CHECK(events.error(mount({tmpfs_on("/mnt/a"), tmpfs_on("/mnt/a"), tmpfs_on("/mnt/b"), kFailing})) ==
        ENOENT);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
  CHECK(events.container().output_of({"ls", "/mnt/a"}) == "x\n");
}

TEST_CASE("a failing list is undone from its end, or it would unmount what it had covered", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/source/inner /mnt/a/inner /mnt/b; mount -t tmpfs -o size=64k tmpfs "
      "/mnt/a/inner");
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  // Once the first is gone, the second's path is that of the mount that was there before.
  CHECK(events.error(mount(
            {mount_of("/mnt/source", "/mnt/a", "", MS_BIND), tmpfs_on("/mnt/a/inner"), kFailing})) == ENOENT);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
  // A mount that was moved was there before, too.
  CHECK(events.error(mount({mount_of("/mnt/a/inner", "/mnt/b", "", MS_MOVE), kFailing})) == ENOENT);
  CHECK(mounts_at(events.pid(), "/mnt/a/inner").size() + mounts_at(events.pid(), "/mnt/b").size() == 1);
}

TEST_CASE("a remount in a failing list is kept, and so is the mount that it changed", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p /mnt/a /mnt/keep /mnt/other; mount -t tmpfs tmpfs /mnt/keep");
  events.container().shell("mount -t tmpfs -o size=64k tmpfs /mnt/other");
  CHECK(
      events.error(mount({tmpfs_on("/mnt/a"), mount_of("", "/mnt/keep", "", MS_REMOUNT | MS_BIND | MS_RDONLY),
                          mount_of("", "/mnt/other", "", MS_REMOUNT, "size=128k"), kFailing})) == ENOENT);
  CHECK(mounts_at(events.pid(), "/mnt/a").empty());
  REQUIRE(mounts_at(events.pid(), "/mnt/keep").size() == 1);
  CHECK(has_option(mounts_at(events.pid(), "/mnt/keep")[0].options, "ro"));
  REQUIRE(mounts_at(events.pid(), "/mnt/other").size() == 1);
  CHECK(has_option(mounts_at(events.pid(), "/mnt/other")[0].super_options, "size=128k"));
}

TEST_CASE("a change of propagation in a failing list mounts nothing, so nothing is unmounted for it",
          "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p /mnt/keep; mount -t tmpfs tmpfs /mnt/keep");
  for (const std::uint64_t propagation :
       {std::uint64_t{MS_SHARED}, std::uint64_t{MS_SLAVE}, std::uint64_t{MS_PRIVATE},
        std::uint64_t{MS_UNBINDABLE}, std::uint64_t{MS_PRIVATE} | std::uint64_t{MS_REC}}) {
    CAPTURE(propagation);
    CHECK(events.error(mount({mount_of("", "/mnt/keep", "", propagation), kFailing})) == ENOENT);
    CHECK(mounts_at(events.pid(), "/mnt/keep").size() == 1);
  }
  // In one that does not fail, it is changed.
  CHECK(events.payload(mount({mount_of("", "/mnt/keep", "", MS_SHARED)})) == "");
  REQUIRE(mounts_at(events.pid(), "/mnt/keep").size() == 1);
  CHECK(mounts_at(events.pid(), "/mnt/keep")[0].propagation.starts_with("shared:"));
}

}  // namespace
}  // namespace nsenterd::test
