// nsenterctl xattr, compared with the attributes that the host sees on the container's files. Both are the same
// filesystem's, which has to have extended attributes of users.
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include <sys/xattr.h>

#include "nsenterctl.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

/// An attribute of the file itself, never of what it points to; nothing if there is none.
std::optional<std::string> attribute(const ContainerFixture& fixture, const std::string& path,
                                     const std::string& name) {
  std::array<char, 256> value{};
  const ssize_t length = ::lgetxattr(fixture.on_host(path).c_str(), name.c_str(), value.data(), value.size());
  if (length >= 0) return std::string(value.data(), static_cast<std::size_t>(length));
  if (errno == ENODATA) return std::nullopt;
  throw std::system_error(errno, std::generic_category(), "lgetxattr " + path);
}

void check_values(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/d; echo > /tmp/d/file");
  const std::string& pid = fixture.pid;
  fixture.quietly({"xattr", "set", pid, "/tmp/d/file", "user.a", "value"});
  CHECK(attribute(fixture, "/tmp/d/file", "user.a") == "value");
  CHECK(fixture.of({"xattr", "get", pid, "/tmp/d/file", "user.a"}) == "value");
  // Any bytes, from standard input and to standard output.
  const auto written =
      fixture.shell("printf 'a\\000\\377\\n' | CTL xattr set " + pid + " /tmp/d/file user.bytes");
  CHECK(written.status == 0);
  const std::string bytes("a\0\xff\n", 4);
  CHECK(attribute(fixture, "/tmp/d/file", "user.bytes") == bytes);
  CHECK(fixture.of({"xattr", "get", pid, "/tmp/d/file", "user.bytes"}) == bytes);
  fixture.quietly({"xattr", "set", pid, "/tmp/d/file", "user.empty", ""});
  CHECK(attribute(fixture, "/tmp/d/file", "user.empty") == "");
  CHECK(fixture.of({"xattr", "get", pid, "/tmp/d/file", "user.empty"}).empty());
  const Json answer = Json::parse(fixture.of({"--json", "xattr", "get", pid, "/tmp/d/file", "user.a"}));
  CHECK(answer["message"] == "getxattrSyscallResponse");
  CHECK(answer["payload"]["size"] == 5);
}

void check_names(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell("mkdir -p /tmp/d; echo > /tmp/d/names");
  CHECK(fixture.of({"xattr", "list", pid, "/tmp/d/names"}).empty());
  fixture.quietly({"xattr", "set", pid, "/tmp/d/names", "user.a", "1", "--create"});
  fixture.fails("EEXIST", {"xattr", "set", pid, "/tmp/d/names", "user.a", "2", "--create"});
  fixture.quietly({"xattr", "set", pid, "/tmp/d/names", "user.a", "3", "--replace"});
  CHECK(attribute(fixture, "/tmp/d/names", "user.a") == "3");
  fixture.fails("ENODATA", {"xattr", "set", pid, "/tmp/d/names", "user.b", "4", "--replace"});
  REQUIRE(::setxattr(fixture.on_host("/tmp/d/names").c_str(), "user.b\n\x1b", "", 0, 0) == 0);
  CHECK(fixture.of({"xattr", "list", pid, "/tmp/d/names"}) == "user.a\nuser.b\\n\\x1b\n");
  fixture.quietly({"xattr", "remove", pid, "/tmp/d/names", "user.a"});
  CHECK_FALSE(attribute(fixture, "/tmp/d/names", "user.a"));
  fixture.fails("ENODATA", {"xattr", "remove", pid, "/tmp/d/names", "user.a"});
  fixture.fails("ENODATA", {"xattr", "get", pid, "/tmp/d/names", "user.a"});
  fixture.fails("ENOENT", {"xattr", "get", pid, "/tmp/d/missing", "user.a"});
  fixture.fails("EOPNOTSUPP", {"xattr", "get", pid, "/tmp/d/names", "nonsense"});
}

/// A link has no attributes of users; what is read of it is not that of its target.
void check_links(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell("mkdir -p /tmp/d; echo > /tmp/d/target; ln -sfn target /tmp/d/link");
  fixture.quietly({"xattr", "set", pid, "/tmp/d/link", "user.a", "1"});
  CHECK(attribute(fixture, "/tmp/d/target", "user.a") == "1");
  CHECK(fixture.of({"xattr", "get", pid, "/tmp/d/link", "user.a"}) == "1");
  CHECK(fixture.of({"xattr", "list", pid, "/tmp/d/link"}) == "user.a\n");
  CHECK(fixture.ctl({"xattr", "get", "--no-follow", pid, "/tmp/d/link", "user.a"}).status == 1);
  CHECK(fixture.of({"xattr", "list", "--no-follow", pid, "/tmp/d/link"}).empty());
  fixture.fails("EPERM", {"xattr", "set", "--no-follow", pid, "/tmp/d/link", "user.a", "2"});
  CHECK(fixture.ctl({"xattr", "remove", "--no-follow", pid, "/tmp/d/link", "user.a"}).status == 1);
  CHECK(attribute(fixture, "/tmp/d/target", "user.a") == "1");
}

void check_attributes(const ContainerFixture& fixture) {
  check_values(fixture);
  check_names(fixture);
  check_links(fixture);
}

TEST_CASE("extended attributes are read and changed in a runc container with a user namespace",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const ContainerFixture fixture(RuncContainer::UserNamespace::mapped);
  check_attributes(fixture);
  // Root of a user namespace is not trusted.
  fixture.fails("EPERM", {"xattr", "set", fixture.pid, "/tmp/d/file", "trusted.a", "1"});
}

TEST_CASE("extended attributes are read and changed in a runc container without a user namespace",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const ContainerFixture fixture(RuncContainer::UserNamespace::none);
  check_attributes(fixture);
  fixture.quietly({"xattr", "set", "--no-follow", fixture.pid, "/tmp/d/link", "trusted.a", "1"});
  CHECK(attribute(fixture, "/tmp/d/link", "trusted.a") == "1");
  CHECK(fixture.of({"xattr", "get", "--no-follow", fixture.pid, "/tmp/d/link", "trusted.a"}) == "1");
  CHECK(fixture.of({"xattr", "list", "--no-follow", fixture.pid, "/tmp/d/link"}) == "trusted.a\n");
  fixture.quietly({"xattr", "remove", "--no-follow", fixture.pid, "/tmp/d/link", "trusted.a"});
  CHECK_FALSE(attribute(fixture, "/tmp/d/link", "trusted.a"));
}

TEST_CASE("wrong usage of xattr has exit status 2", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{"xattr"},
                   {"xattr", "show", "1", "/f", "user.a"},
                   {"xattr", "get", "1", "/f"},
                   {"xattr", "get", "1", "/f", "user.a", "value"},
                   {"xattr", "get", "1", "/f", "user.\xff"},
                   {"xattr", "set", "1", "/f", "user.a", "1", "--create", "--replace"},
                   {"xattr", "set", "1", "/f", "user.a", "1", "--as", "1"},
                   {"xattr", "remove", "1", "/f", "user.a", "--uid", "1"},
                   {"xattr", "list", "1", "/f", "user.a"},
                   {"xattr", "list", "1", "/f", "--private-sys"}});
}

}  // namespace
}  // namespace nsenterd::test
