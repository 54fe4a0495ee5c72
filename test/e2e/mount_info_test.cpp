// mountInfoRequest and mountInodeRequest, against what the host's procfs and the container's stat(1) say.
#include <algorithm>
#include <filesystem>
#include <utility>

#include <sched.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::mount_info;
using message::mount_inode;

using PointsAndTypes = std::vector<std::pair<std::string, std::string>>;

PointsAndTypes points_and_types(const std::string& text) {
  PointsAndTypes pairs;
  for (const Mount& mount : mount_table(text)) pairs.emplace_back(mount.point, mount.type);
  // A copied namespace may list them in another order.
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST_CASE("the mount table is the kernel's, byte for byte", "[e2e][mountinfo]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; mkdir -p '/mnt/a b'; mount -t tmpfs tmpfs '/mnt/a b'");
  const std::string real = read_file(proc_path(events.pid(), "mountinfo"));
  REQUIRE(real.find("/mnt/a\\040b") != std::string::npos);
  CHECK(bytes_in(events.payload(mount_info())["data"]) == real);
  const Json copied = events.payload(mount_info(), {{"cloneFlags", CLONE_NEWNS}});
  CHECK(points_and_types(bytes_in(copied["data"])) == points_and_types(real));
}

TEST_CASE("a container that hides its /proc below a false one still has its real mount table shown",
          "[e2e][mountinfo]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mount -t tmpfs tmpfs /proc; for p in 1 2 self thread-self; do mkdir -p /proc/$p; "
      "echo '22 1 0:21 / /fake rw - fake fake rw' > /proc/$p/mountinfo; done; "
      "ln -s 1/mountinfo /proc/mountinfo");
  REQUIRE(events.container().output_of({"cat", "/proc/self/mountinfo"}).find("/fake") != std::string::npos);
  const std::string real = read_file(proc_path(events.pid(), "mountinfo"));
  CHECK(bytes_in(events.payload(mount_info())["data"]) == real);
  const Json copied = events.payload(mount_info(), {{"cloneFlags", CLONE_NEWNS}});
  CHECK(points_and_types(bytes_in(copied["data"])) == points_and_types(real));
  // Nor with none at all.
  events.container().shell("set -e; umount /proc; umount -l /proc; rmdir /proc; ln -s /etc /proc");
  CHECK(bytes_in(events.payload(mount_info())["data"]) == read_file(proc_path(events.pid(), "mountinfo")));
}

TEST_CASE("the inodes of mountpoints are those that the container's processes see", "[e2e][mountinfo]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/a; mount -t tmpfs tmpfs /mnt/a; ln -s mnt/a /link; ln -s /nowhere /broken; "
      "mkdir -m 0 /closed");
  const auto inode = [&](const char* path) {
    return std::stoull(events.container().output_of({"stat", "-L", "-c", "%i", path}));
  };
  const Json inodes =
      events.payload(mount_inode({"/", "/proc", "/does/not/exist", "/link", "/broken", "/mnt/a",
                                  "/etc/passwd", "/closed", "/dev/null", "/"}))["mpinodes"];
  CHECK(inodes == Json({inode("/"), inode("/proc"), 0, inode("/mnt/a"), 0, inode("/mnt/a"),
                        inode("/etc/passwd"), inode("/closed"), inode("/dev/null"), inode("/")}));
  CHECK(inode("/mnt/a") != std::stoull(events.container().output_of({"stat", "-c", "%i", "/link"})));
}

TEST_CASE("no mountpoints have no inodes", "[e2e][mountinfo]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  const Json none{{"mpinodes", nullptr}};
  CHECK(events.payload(mount_inode(Json::array())) == none);
  CHECK(events.payload(mount_inode(nullptr)) == none);
  CHECK(events.blamed(mount_inode("/")) == "request.payload.mountpoints");
  CHECK(events.blamed(mount_inode({"/", 1})) == "request.payload.mountpoints[1]");
  CHECK(events.blamed(mount_inode({"/", std::string("/\0x", 3)})) == "request.payload.mountpoints[1]");
  CHECK(events.blamed({{"message", "mountInodeRequest"}, {"payload", Json::object()}}) ==
        "request.payload.mountpoints");
}

}  // namespace
}  // namespace nsenterd::test
