// chownSyscallRequest: ids as the container numbers them.
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::chown;
using message::owner_of;

using Owner = std::pair<uid_t, gid_t>;

/// As the host numbers them; of a link itself.
Owner owner_outside(const ContainerEvents& events, const std::string& path) {
  struct stat status {};
  if (::lstat(events.outside(path).c_str(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), "lstat " + path);
  }
  return {status.st_uid, status.st_gid};
}

Owner on_host(const ContainerEvents& events, uid_t uid, gid_t gid) {
  return {events.on_host(uid), events.on_host(gid)};
}

TEST_CASE("a file's owner is given as the container numbers it, -1 leaves it as it is", "[e2e][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; echo > /tmp/file; mkdir /tmp/dir");
  const auto set = [&](std::int64_t uid, std::int64_t gid) {
    CHECK(events.payload(chown({owner_of("/tmp/file", uid, gid)})) == "");
    return owner_outside(events, "/tmp/file");
  };
  CHECK(set(1000, 2000) == on_host(events, 1000, 2000));
  CHECK(events.container().output_of({"stat", "-c", "%u:%g", "/tmp/file"}) == "1000:2000\n");
  CHECK(set(-1, 2001) == on_host(events, 1000, 2001));
  CHECK(set(1001, -1) == on_host(events, 1001, 2001));
  CHECK(set(-1, -1) == on_host(events, 1001, 2001));
  CHECK(set(65535, 65535) == on_host(events, 65535, 65535));
  CHECK(set(0, 0) == on_host(events, 0, 0));
  CHECK(events.payload(chown({owner_of("/tmp/dir", 7, 8)})) == "");
  CHECK(owner_outside(events, "/tmp/dir") == on_host(events, 7, 8));
}

TEST_CASE("a link's target changes its owner, the link does not", "[e2e][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; echo > /tmp/file; ln -s file /tmp/link; ln -s /nowhere /tmp/broken");
  CHECK(events.payload(chown({owner_of("/tmp/link", 5, 6)})) == "");
  CHECK(owner_outside(events, "/tmp/file") == on_host(events, 5, 6));
  CHECK(owner_outside(events, "/tmp/link") == on_host(events, 0, 0));
  CHECK(events.error(chown({owner_of("/tmp/broken", 5, 6)})) == ENOENT);
  CHECK(owner_outside(events, "/tmp/broken") == on_host(events, 0, 0));
}

TEST_CASE("a list of owners ends at its first failure, those before are changed", "[e2e][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; for f in a b c; do echo > /tmp/$f; done");
  CHECK(events.payload(
            chown({owner_of("/tmp/a", 1, 1), owner_of("/tmp/b", 1, 1), owner_of("/tmp/a", -1, 2)})) == "");
  CHECK(owner_outside(events, "/tmp/a") == on_host(events, 1, 2));
  CHECK(owner_outside(events, "/tmp/b") == on_host(events, 1, 1));
  const Json response = events.response(
      chown({owner_of("/tmp/b", 3, 3), owner_of("/does/not/exist", 3, 3), owner_of("/tmp/c", 3, 3)}));
  CHECK(response["message"] == "errorResponse");
  CHECK(response["payload"]["code"] == ENOENT);
  CHECK(response["payload"]["message"] == "chown /does/not/exist: no such file or directory");
  events.check_nothing_left();
  CHECK(owner_outside(events, "/tmp/b") == on_host(events, 3, 3));
  CHECK(owner_outside(events, "/tmp/c") == on_host(events, 0, 0));
}

TEST_CASE("an id that a container does not have is none for its files", "[e2e][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("echo > /tmp/file");
  if (events.is_mapped()) {
    for (const std::int64_t id : {std::int64_t{65536}, std::int64_t{100000}, std::int64_t{4294967294}}) {
      CHECK(events.error(chown({owner_of("/tmp/file", id, 0)})) == EINVAL);
      CHECK(events.error(chown({owner_of("/tmp/file", 0, id)})) == EINVAL);
    }
    CHECK(owner_outside(events, "/tmp/file") == on_host(events, 0, 0));
  } else {
    // Beyond the 31 bits of a signed number.
    CHECK(events.error(chown({owner_of("/tmp/file", 4294967294, 3000000000)})) == 0);
    CHECK(owner_outside(events, "/tmp/file") == Owner(4294967294, 3000000000));
  }
}

TEST_CASE("a file of nobody's in the container is not its root's to give away", "[e2e][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  std::ofstream(events.container().root() / "tmp/hosts") << "";
  CHECK(events.error(chown({owner_of("/tmp/hosts", 0, 0)})) == EPERM);
  CHECK(owner_outside(events, "/tmp/hosts") == Owner(0, 0));
  // Root of the host may, and numbers as the host does.
  CHECK(events.payload(chown({owner_of("/tmp/hosts", 4242, 4243)}), kAllButUser) == "");
  CHECK(owner_outside(events, "/tmp/hosts") == Owner(4242, 4243));
}

}  // namespace
}  // namespace nsenterd::test
