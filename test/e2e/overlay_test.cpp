// The mount of an overlay takes its caller's personality: root, working directory, ids and capabilities.
#include <cerrno>

#include <linux/capability.h>
#include <sys/mount.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::capability;
using message::header;
using message::mount;
using message::mount_of;

constexpr std::uint64_t kMayMount = capability(CAP_SYS_ADMIN);
/// The overlay makes itself a working directory that nobody may enter, and enters it.
constexpr std::uint64_t kMayMountWritable = kMayMount | capability(CAP_DAC_OVERRIDE);
constexpr char kLayers[] = "lowerdir=/lower,upperdir=/upper,workdir=/scratch";

Json overlay(const std::string& target, const std::string& layers, const Json& caller) {
  return mount_of("overlay", target, "overlay", 0, layers, caller);
}

/// A directory tree in /jail with what an overlay needs. Its like in / has other files.
void make_layers(const ContainerEvents& events) {
  events.container().shell(
      "set -e; for r in '' /jail; do mkdir -p $r/lower $r/more $r/upper $r/scratch $r/merged; done; "
      "echo jail > /jail/lower/where; echo more > /jail/more/what; echo outside > /lower/where");
}

TEST_CASE("an overlay is mounted below its caller's root", "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  CHECK(events.payload(mount({overlay("/merged", kLayers, header("/jail", "/", kMayMountWritable))}),
                       events.as(0, 0)) == "");
  REQUIRE(mounts_at(events.pid(), "/jail/merged").size() == 1);
  CHECK(mounts_at(events.pid(), "/jail/merged")[0].type == "overlay");
  CHECK(mounts_at(events.pid(), "/merged").empty());
  CHECK(events.container().output_of({"cat", "/jail/merged/where"}) == "jail\n");
  events.container().shell("echo new > /jail/merged/new");
  CHECK(events.container().output_of({"cat", "/jail/upper/new"}) == "new\n");
}

TEST_CASE("an overlay's relative paths begin at its caller's working directory",
          "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  CHECK(events.payload(mount({overlay("merged", "lowerdir=lower:more", header("/", "/jail", kMayMount))}),
                       events.as(0, 0)) == "");
  REQUIRE(mounts_at(events.pid(), "/jail/merged").size() == 1);
  CHECK(events.container().shell("cat /jail/merged/where /jail/merged/what") == "jail\nmore\n");
}

TEST_CASE("an overlay is refused to a caller without CAP_SYS_ADMIN", "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  const auto mounted_with = [&](std::uint64_t capabilities, uid_t user) {
    return events.error(mount({overlay("/merged", kLayers, header("/jail", "/", capabilities))}),
                        events.as(user, user));
  };
  CHECK(mounted_with(0, 0) == EPERM);
  CHECK(mounted_with(0, 1000) == EPERM);
  CHECK(mounted_with(capability(CAP_SYS_CHROOT) | capability(CAP_DAC_OVERRIDE), 0) == EPERM);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
  // A user other than root may, with the capability.
  CHECK(mounted_with(kMayMountWritable, 1000) == 0);
  CHECK(mounts_at(events.pid(), "/jail/merged").size() == 1);
}

TEST_CASE("a caller's root or working directory that is none is the overlay's failure",
          "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  const auto mounted_from = [&](const std::string& root, const std::string& cwd) {
    return events.error(mount({overlay("/merged", kLayers, header(root, cwd, kMayMount))}), events.as(0, 0));
  };
  CHECK(mounted_from("/does/not/exist", "/") == ENOENT);
  CHECK(mounted_from("/", "/does/not/exist") == ENOENT);
  CHECK(mounted_from("/etc/passwd", "/") == ENOTDIR);
  CHECK(mounted_from("/", "/etc/passwd") == ENOTDIR);
  CHECK(mounted_from("", "/") == ENOENT);
  CHECK(events.error(mount({overlay("/none", kLayers, header("/jail", "/", kMayMount))}), events.as(0, 0)) ==
        ENOENT);
  const Json jailed = header("/jail", "/", kMayMount);
  CHECK(events.error(mount({overlay("/merged", "lowerdir=/lower:/more", jailed),
                            overlay("/none", "lowerdir=/lower:/more", jailed)}),
                     events.as(0, 0)) == ENOENT);
  CHECK(events.error(mount({overlay("/merged", "lowerdir=/none", header("/jail", "/", kMayMount))}),
                     events.as(0, 0)) == ENOENT);
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
}

TEST_CASE("a list with an overlay is one caller's as a whole", "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  const Json jailed = header("/jail", "/", kMayMount);
  const Json merged = overlay("/merged", "lowerdir=/lower:/more", jailed);
  CHECK(events.blamed(mount({message::tmpfs_on("/scratch"), merged})) == "request.payload[1].Header");
  CHECK(events.payload(mount({mount_of("tmpfs", "/scratch", "tmpfs", 0, "", jailed), merged}),
                       events.as(0, 0)) == "");
  CHECK(mounts_at(events.pid(), "/jail/scratch").size() == 1);
  CHECK(mounts_at(events.pid(), "/jail/merged").size() == 1);
}

TEST_CASE("root of the host mounts an overlay for a container with its user namespace not joined",
          "[e2e][mount][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  make_layers(events);
  Json parameters = kAllButUser;
  parameters["uid"] = 0;
  parameters["gid"] = 0;
  CHECK(events.error(mount({overlay("/merged", kLayers, header("/jail", "/", 0))}), parameters) == EPERM);
  CHECK(events.payload(mount({overlay("/merged", kLayers, header("/jail", "/", kMayMountWritable))}),
                       parameters) == "");
  CHECK(mounts_at(events.pid(), "/jail/merged").size() == 1);
  CHECK(events.container().output_of({"cat", "/jail/merged/where"}) == "jail\n");
}

}  // namespace
}  // namespace nsenterd::test
