// On whose behalf an attribute is got: the caller's root, working directory, ids and capabilities.
#include <cerrno>
#include <system_error>

#include <linux/capability.h>
#include <sys/xattr.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::capability;
using message::getxattr;
using message::header;
using message::listxattr;

void mark(const ContainerEvents& events, const std::string& path, const char* name,
          const std::string& value) {
  if (::setxattr(events.outside(path).c_str(), name, value.data(), value.size(), 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "setxattr " + path);
  }
}

/// What user.where of a file says, to a caller who has all rights.
std::string where(ContainerEvents& events, const std::string& path, const std::string& root,
                  const std::string& cwd) {
  const Json caller = header(root, cwd, capability(CAP_DAC_OVERRIDE));
  const Json payload = events.payload(getxattr(path, "user.where", 16, "getxattr", caller), events.as(0, 0));
  return bytes_in(payload["val"]).substr(0, payload["size"].get<std::size_t>());
}

TEST_CASE("paths begin at the caller's root and working directory", "[e2e][xattr][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; mkdir -p /jail/d /d; echo > /jail/f; echo > /jail/d/f; echo > /d/f; echo > /f");
  events.container().shell("ln -s /f /jail/link");
  for (const char* path : {"/f", "/d/f", "/jail/f", "/jail/d/f"}) mark(events, path, "user.where", path);
  CHECK(where(events, "/f", "/", "/") == "/f");
  CHECK(where(events, "/f", "/jail", "/") == "/jail/f");
  CHECK(where(events, "/link", "/jail", "/") == "/jail/f");
  CHECK(where(events, "/../f", "/jail", "/") == "/jail/f");
  CHECK(where(events, "f", "/", "/d") == "/d/f");
  // A caller's working directory is as the container names it, not as its root does.
  CHECK(where(events, "f", "/jail", "/jail/d") == "/jail/d/f");
  CHECK(where(events, "../../f", "/jail", "/jail/d") == "/jail/f");
  CHECK(where(events, "f", "/jail", "/d") == "/d/f");

  const auto error = [&](const std::string& root, const std::string& cwd) {
    const int got =
        events.error(getxattr("/f", "user.where", 16, "getxattr", header(root, cwd)), events.as(0, 0));
    CHECK(events.error(listxattr("/f", 64, "listxattr", header(root, cwd)), events.as(0, 0)) == got);
    return got;
  };
  CHECK(error("/none", "/") == ENOENT);
  CHECK(error("/", "/none") == ENOENT);
  CHECK(error("/f", "/") == ENOTDIR);
  CHECK(error("/", "/f") == ENOTDIR);
  CHECK(error("/jail", "/jail/f/x") == ENOTDIR);
}

TEST_CASE("what a caller may not read, an event on its behalf does not", "[e2e][xattr][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell(
      "set -e; for f in owner group root; do echo > /tmp/$f; done; chown 1000:5 /tmp/owner; chmod 400 "
      "/tmp/owner; "
      "chown 5:2000 /tmp/group; chmod 040 /tmp/group; chown 5:0 /tmp/root; chmod 040 /tmp/root");
  for (const char* path : {"/tmp/owner", "/tmp/group", "/tmp/root"}) mark(events, path, "user.a", "value");
  const auto error = [&](const std::string& path, uid_t uid, gid_t gid, std::uint64_t capabilities) {
    return events.error(getxattr(path, "user.a", 16, "getxattr", header("/", "/", capabilities)),
                        events.as(uid, gid));
  };
  CHECK(error("/tmp/owner", 1000, 1000, 0) == 0);
  CHECK(error("/tmp/owner", 1001, 1001, 0) == EACCES);
  CHECK(error("/tmp/owner", 1001, 1001, capability(CAP_DAC_OVERRIDE)) == 0);
  CHECK(error("/tmp/owner", 1001, 1001, capability(CAP_DAC_READ_SEARCH)) == 0);
  CHECK(error("/tmp/owner", 1001, 1001, capability(CAP_SYS_ADMIN)) == EACCES);
  CHECK(error("/tmp/group", 1000, 2000, 0) == 0);
  CHECK(error("/tmp/group", 1000, 2001, 0) == EACCES);
  // Root without capabilities is a user like others, and nobody keeps root's groups.
  CHECK(error("/tmp/owner", 0, 0, 0) == EACCES);
  CHECK(error("/tmp/root", 1000, 1000, 0) == EACCES);
  CHECK(error("/tmp/root", 1000, 0, 0) == 0);
}

TEST_CASE("a caller whom the container does not know is refused, one that is not named is its root",
          "[e2e][xattr][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  ContainerEvents events(UserNamespace::mapped);
  events.container().shell("set -e; echo > /tmp/f; chmod 400 /tmp/f");
  mark(events, "/tmp/f", "user.a", "value");
  const Json request = getxattr("/tmp/f", "user.a", 16);
  const uid_t known = RuncContainer::kFirstId;
  // The host's root is nobody in there, not somebody else.
  for (const uid_t unknown : {uid_t{0}, known - 1, known + 65536}) {
    CAPTURE(unknown);
    CHECK(events.WatchedDaemon::blamed(events.pid(), request, {{"uid", unknown}, {"gid", known}}) == "uid");
    CHECK(events.WatchedDaemon::blamed(events.pid(), request, {{"uid", known}, {"gid", unknown}}) == "gid");
  }
  CHECK(events.error(request) == 0);
  CHECK(events.error(request, {{"uid", known}}) == 0);
  CHECK(events.error(request, {{"uid", known + 1}}) == EACCES);
}

TEST_CASE("trusted attributes are shown to those with CAP_SYS_ADMIN on the host alone",
          "[e2e][xattr][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("echo > /tmp/f");
  mark(events, "/tmp/f", "trusted.a", "value");
  const auto error = [&](std::uint64_t capabilities) {
    const Json caller = header("/", "/", capabilities);
    return events.error(getxattr("/tmp/f", "trusted.a", 16, "getxattr", caller), events.as(0, 0));
  };
  const auto listed = [&](std::uint64_t capabilities) {
    const Json caller = header("/", "/", capabilities);
    return events.payload(listxattr("/tmp/f", 64, "listxattr", caller), events.as(0, 0))["size"];
  };
  // The kernel says that there is none.
  CHECK(error(0) == ENODATA);
  CHECK(error(capability(CAP_DAC_OVERRIDE)) == ENODATA);
  CHECK(listed(0) == 0);
  CHECK(error(capability(CAP_SYS_ADMIN)) == (events.is_mapped() ? ENODATA : 0));
  CHECK(listed(capability(CAP_SYS_ADMIN)) == (events.is_mapped() ? 0 : 10));

  // Setting and removing are done with the rights of the agent, which is root of what it has joined.
  const auto set = message::setxattr("/tmp/f", "trusted.b", base64_of("value"));
  const auto remove = message::removexattr("/tmp/f", "trusted.a");
  CHECK(events.error(set) == (events.is_mapped() ? EPERM : 0));
  CHECK(events.error(remove) == (events.is_mapped() ? EPERM : 0));
  CHECK(events.error(set, kAllButUser) == 0);
  CHECK(events.error(message::removexattr("/tmp/f", "trusted.b"), kAllButUser) == 0);
}

}  // namespace
}  // namespace nsenterd::test
