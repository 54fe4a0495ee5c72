// umountSyscallRequest: in order, up to the first failure.
#include <cerrno>

#include <sys/mount.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::umount;
using message::umount_of;

bool is_mounted(const ContainerEvents& events, std::string_view point) {
  return !mounts_at(events.pid(), point).empty();
}

TEST_CASE("a list is unmounted in order", "[e2e][umount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/a; mount -t tmpfs tmpfs /mnt/a; mkdir /mnt/a/inner; mount -t tmpfs tmpfs "
      "/mnt/a/inner");
  CHECK(events.error(umount({umount_of("/mnt/a"), umount_of("/mnt/a/inner")})) == EBUSY);
  CHECK(is_mounted(events, "/mnt/a"));
  CHECK(is_mounted(events, "/mnt/a/inner"));
  CHECK(events.payload(umount({umount_of("/mnt/a/inner"), umount_of("/mnt/a")})) == "");
  CHECK_FALSE(is_mounted(events, "/mnt/a"));
  CHECK_FALSE(is_mounted(events, "/mnt/a/inner"));
}

TEST_CASE("the first failure ends a list, what was unmounted before stays so", "[e2e][umount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; for d in a b c; do mkdir -p /mnt/$d; mount -t tmpfs tmpfs /mnt/$d; done; mkdir /mnt/plain");
  const Json response =
      events.response(umount({umount_of("/mnt/a"), umount_of("/mnt/plain"), umount_of("/mnt/b")}));
  CHECK(response["message"] == "errorResponse");
  CHECK(response["payload"]["code"] == EINVAL);
  CHECK(response["payload"]["message"] == "umount /mnt/plain: invalid argument");
  events.check_nothing_left();
  CHECK_FALSE(is_mounted(events, "/mnt/a"));
  CHECK(is_mounted(events, "/mnt/b"));
  CHECK(events.error(umount({umount_of("/mnt/b"), umount_of("/does/not/exist"), umount_of("/mnt/c")})) ==
        ENOENT);
  CHECK_FALSE(is_mounted(events, "/mnt/b"));
  CHECK(is_mounted(events, "/mnt/c"));
}

TEST_CASE("a mount where somebody is cannot be unmounted, but detached", "[e2e][umount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/a; mount -t tmpfs tmpfs /mnt/a; cd /mnt/a; sleep 1000 </dev/null >/dev/null "
      "2>&1 &");
  CHECK(events.error(umount({umount_of("/mnt/a")})) == EBUSY);
  CHECK(is_mounted(events, "/mnt/a"));
  // The first MNT_EXPIRE only marks a mount, and cannot where it is busy.
  CHECK(events.error(umount({umount_of("/mnt/a", MNT_EXPIRE)})) == EBUSY);
  CHECK(events.payload(umount({umount_of("/mnt/a", MNT_DETACH)})) == "");
  CHECK_FALSE(is_mounted(events, "/mnt/a"));
}

TEST_CASE("an umount that fails brings the errno of umount2(2)", "[e2e][umount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/a /mnt/plain; mount -t tmpfs tmpfs /mnt/a; ln -s a /mnt/link; ln -s loop "
      "/mnt/loop; "
      "echo > /mnt/file");
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  CHECK(events.error(umount({umount_of("/mnt/plain")})) == EINVAL);
  CHECK(events.error(umount({umount_of("/mnt/file")})) == EINVAL);
  CHECK(events.error(umount({umount_of("/mnt/file/x")})) == ENOTDIR);
  CHECK(events.error(umount({umount_of("")})) == ENOENT);
  CHECK(events.error(umount({umount_of("/mnt/loop")})) == ELOOP);
  CHECK(events.error(umount({umount_of("/" + std::string(256, 'a'))})) == ENAMETOOLONG);
  CHECK(events.error(umount({umount_of("/mnt/a", 0x10000)})) == EINVAL);
  CHECK(events.error(umount({umount_of("/mnt/a", std::uint64_t{1} << 32U)})) == EINVAL);
  CHECK(events.error(umount({umount_of("/mnt/a", MNT_EXPIRE | MNT_DETACH)})) == EINVAL);
  CHECK(events.error(umount({umount_of("/mnt/a", MNT_EXPIRE)})) == EAGAIN);
  CHECK(events.error(umount({umount_of("/mnt/link", UMOUNT_NOFOLLOW)})) == EINVAL);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
  CHECK(events.payload(umount({umount_of("/mnt/link")})) == "");
  CHECK_FALSE(is_mounted(events, "/mnt/a"));
}

}  // namespace
}  // namespace nsenterd::test
