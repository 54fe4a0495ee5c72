// nsenterctl chown and id, compared with what the host sees of the container's files.
#include <cerrno>
#include <fstream>
#include <system_error>

#include <sys/stat.h>

#include "nsenterctl.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

/// "UID:GID" of a file, as the container numbers them.
std::string owner_of(const ContainerFixture& fixture, const std::string& path) {
  struct stat status {};
  if (::lstat(fixture.on_host(path).c_str(), &status) != 0)
    throw std::system_error(errno, std::generic_category(), path);
  return std::to_string(status.st_uid - fixture.first_id) + ":" +
         std::to_string(status.st_gid - fixture.first_id);
}

void check_chown(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/d; echo > /tmp/d/a; echo > /tmp/d/b; ln -sfn a /tmp/d/link");
  fixture.quietly({"chown", fixture.pid, "5:6", "/tmp/d/a", "/tmp/d/b"});
  CHECK(owner_of(fixture, "/tmp/d/a") == "5:6");
  CHECK(owner_of(fixture, "/tmp/d/b") == "5:6");
  fixture.quietly({"chown", fixture.pid, "7", "/tmp/d/a"});
  CHECK(owner_of(fixture, "/tmp/d/a") == "7:6");
  fixture.quietly({"chown", fixture.pid, ":8", "/tmp/d/link"});
  CHECK(owner_of(fixture, "/tmp/d/a") == "7:8");
  CHECK(owner_of(fixture, "/tmp/d/link") == "0:0");
  fixture.quietly({"chown", fixture.pid, "-1:9", "/tmp/d/a"});
  CHECK(owner_of(fixture, "/tmp/d/a") == "7:9");
  // Up to the first that fails, and one message about that.
  fixture.fails("ENOENT", {"chown", fixture.pid, "0:0", "/tmp/d/a", "/tmp/d/missing", "/tmp/d/b"});
  CHECK(owner_of(fixture, "/tmp/d/a") == "0:0");
  CHECK(owner_of(fixture, "/tmp/d/b") == "5:6");
  CHECK(Json::parse(fixture.of({"chown", "--json", fixture.pid, "0", "/tmp/d/b"}))["payload"] == "");
}

void check_id(const ContainerFixture& fixture) {
  std::ofstream(fixture.on_host("/etc/passwd"), std::ios::app) << "web:x:33:34::/:/bin/sh\n";
  std::ofstream(fixture.on_host("/etc/group")) << "root:x:0:\nweb:x:998:web\n";
  CHECK(fixture.of({"id", fixture.pid, "root"}) == "0\n");
  CHECK(fixture.of({"id", fixture.pid, "web"}) == "33\n");
  CHECK(fixture.of({"id", "--group", fixture.pid, "web"}) == "998\n");
  CHECK(Json::parse(fixture.of({"--json", "id", fixture.pid, "web"}))["payload"] == Json({{"uid", "33"}}));
  fixture.fails("EIO", {"id", fixture.pid, "nobody-here"});
  fixture.fails("EIO", {"id", fixture.pid, "nobody-here", "--group"});
}

TEST_CASE("owners are changed and looked up as a container with a user namespace numbers them",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const ContainerFixture fixture(RuncContainer::UserNamespace::mapped);
  check_chown(fixture);
  check_id(fixture);
  // A user that it does not have.
  fixture.fails("EINVAL", {"chown", fixture.pid, "70000", "/tmp/d/a"});
}

TEST_CASE("owners are changed and looked up in a container without a user namespace", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const ContainerFixture fixture(RuncContainer::UserNamespace::none);
  check_chown(fixture);
  check_id(fixture);
}

TEST_CASE("wrong usage of chown and id has exit status 2", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{"chown", "1", "0"},
                   {"chown", "1", "root", "/f"},
                   {"chown", "1", "0:", "/f"},
                   {"chown", "1", "-2", "/f"},
                   {"chown", "1", "0", "/f", "/\xff"},
                   {"chown", "1", "0", "/f", "--uid", "0"},
                   {"id", "1"},
                   {"id", "1", "root", "root"},
                   {"id", "1", "root", "--as", "1"}});
}

}  // namespace
}  // namespace nsenterd::test
