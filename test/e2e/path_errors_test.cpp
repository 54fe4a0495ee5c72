// Paths that lead nowhere, and filesystems that are read-only: the same errno for whatever is asked there.
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using RequestFor = std::function<Json(const std::string& path)>;

/// Every message with a path whose failure is a response.
const std::vector<RequestFor> kRequests = {
    [](const std::string& path) { return message::lookup(path); },
    [](const std::string& path) { return message::open_file(path, O_RDONLY); },
    [](const std::string& path) { return message::open_file(path, O_WRONLY | O_CREAT); },
    [](const std::string& path) { return message::read_file(path); },
    [](const std::string& path) { return message::write_file(path, "YWJj"); },
    [](const std::string& path) { return message::read_dir(path); },
    [](const std::string& path) { return message::read_link(path); },
    [](const std::string& path) { return message::chown({message::owner_of(path, 1, 1)}); },
    [](const std::string& path) { return message::mount({message::tmpfs_on(path)}); },
    [](const std::string& path) { return message::umount({message::umount_of(path)}); },
    [](const std::string& path) { return message::setxattr(path, "user.a", "YWJj"); },
    [](const std::string& path) { return message::setxattr(path, "user.a", "YWJj", 0, "lsetxattr"); },
    [](const std::string& path) { return message::getxattr(path, "user.a", 64); },
    [](const std::string& path) { return message::getxattr(path, "user.a", 64, "lgetxattr"); },
    [](const std::string& path) { return message::removexattr(path, "user.a"); },
    [](const std::string& path) { return message::removexattr(path, "user.a", "lremovexattr"); },
    [](const std::string& path) { return message::listxattr(path, 64); },
    [](const std::string& path) { return message::listxattr(path, 64, "llistxattr"); },
};

/// The errno of every request for a path; 0 is what mountInode says of one that it cannot examine.
void check_all(ContainerEvents& events, const std::string& path, int error) {
  for (const RequestFor& request : kRequests) {
    INFO(request(path).dump());
    CHECK(events.error(request(path), events.as(0, 0)) == error);
  }
  CHECK(events.payload(message::mount_inode({path}))["mpinodes"] == Json::array({0}));
}

TEST_CASE("a path that leads nowhere brings the same errno, whatever is asked", "[e2e][errors]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; ln -s loop /tmp/loop; ln -s b /tmp/a; ln -s a /tmp/b; echo > /tmp/file");
  check_all(events, "/does/not/exist", ENOENT);
  check_all(events, "", ENOENT);
  check_all(events, "/tmp/file/x", ENOTDIR);
  check_all(events, "/tmp/loop/x", ELOOP);
  check_all(events, "/tmp/a/x", ELOOP);
  check_all(events, "/tmp/" + std::string(256, 'a'), ENAMETOOLONG);
  // As long as a path may be.
  std::string deep = "/";
  while (deep.size() < 4093) deep += "a/";
  check_all(events, deep + "bb", ENOENT);
}

TEST_CASE("a loop of links is one for those who follow it, and a link for the others", "[e2e][errors]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("ln -s loop /tmp/loop");
  const std::string path = "/tmp/loop";
  const Json root = events.as(0, 0);
  CHECK(events.error(message::open_file(path, O_RDONLY)) == ELOOP);
  CHECK(events.error(message::open_file(path, O_RDONLY | O_NOFOLLOW)) == ELOOP);
  CHECK(events.error(message::read_file(path)) == ELOOP);
  CHECK(events.error(message::write_file(path, "YWJj")) == ELOOP);
  CHECK(events.error(message::read_dir(path)) == ELOOP);
  CHECK(events.error(message::chown({message::owner_of(path, 1, 1)})) == ELOOP);
  CHECK(events.error(message::setxattr(path, "user.a", nullptr)) == ELOOP);
  CHECK(events.error(message::getxattr(path, "user.a", 64), root) == ELOOP);
  CHECK(events.error(message::removexattr(path, "user.a")) == ELOOP);
  CHECK(events.error(message::listxattr(path, 64), root) == ELOOP);
  CHECK(events.payload(message::mount_inode({path}))["mpinodes"] == Json::array({0}));

  CHECK(events.error(message::lookup(path)) == 0);
  CHECK(events.payload(message::read_link(path)) == "loop");
  CHECK(events.error(message::getxattr(path, "user.a", 64, "lgetxattr"), root) == ENODATA);
  CHECK(events.error(message::listxattr(path, 64, "llistxattr"), root) == 0);
}

TEST_CASE("what would change a read-only filesystem fails, what looks does not", "[e2e][errors]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /mnt/ro /mnt/target; mount -t tmpfs tmpfs /mnt/ro; echo text > /mnt/ro/file; "
      "ln -s file /mnt/ro/link; mount -o remount,bind,ro /mnt/ro; ln -s /mnt/ro/file /tmp/to-ro");
  for (const std::string path : {"/mnt/ro/file", "/mnt/ro/link", "/tmp/to-ro"}) {
    CAPTURE(path);
    CHECK(events.error(message::open_file(path, O_WRONLY)) == EROFS);
    CHECK(events.error(message::open_file(path, O_RDWR)) == EROFS);
    CHECK(events.error(message::open_file(path, O_RDONLY | O_TRUNC)) == EROFS);
    CHECK(events.error(message::write_file(path, "YWJj")) == EROFS);
    CHECK(events.error(message::chown({message::owner_of(path, 1, 1)})) == EROFS);
    CHECK(events.error(message::setxattr(path, "user.a", "YWJj")) == EROFS);
    CHECK(events.error(message::removexattr(path, "user.a")) == EROFS);
    CHECK(events.error(message::lookup(path)) == 0);
    CHECK(events.error(message::open_file(path, O_RDONLY)) == 0);
    CHECK(bytes_in(events.payload(message::read_file(path))) == "text\n");
  }
  CHECK(events.error(message::open_file("/mnt/ro/new", O_WRONLY | O_CREAT)) == EROFS);
  CHECK(events.error(message::read_dir("/mnt/ro")) == 0);
  CHECK(events.error(message::mount({message::mount_of("/mnt/ro", "/mnt/target", "", MS_BIND)})) == 0);
  // What runc has made read-only.
  CHECK(events.error(message::chown({message::owner_of("/proc/sys/net/core/somaxconn", 1, 1)})) == EROFS);
  CHECK(events.error(message::write_file("/proc/sys/net/core/somaxconn", "YWJj")) == EROFS);
  CHECK(events.error(message::open_file("/proc/sys/net/core/somaxconn", O_WRONLY)) == EROFS);
  CHECK(events.container().output_of({"cat", "/mnt/ro/file"}) == "text\n");
}

}  // namespace
}  // namespace nsenterd::test
