// Numbers of 64 bits on their way through the socket: none is rounded. And lists that are null.
#include <cerrno>
#include <cstdint>
#include <limits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

/// A double has no number between this and the one before.
constexpr std::int64_t kOddOffset = (std::int64_t{1} << 62U) + 1;
constexpr std::int64_t kLastOffset = std::numeric_limits<std::int64_t>::max();

std::string byte_outside(const ContainerEvents& events, const std::string& path, std::int64_t offset) {
  const UniqueFd file(::open(events.outside(path).c_str(), O_RDONLY | O_CLOEXEC));
  char byte = '?';
  return ::pread(file.get(), &byte, 1, offset) == 1 ? std::string(1, byte) : std::string();
}

TEST_CASE("bytes are written to and read from the very offset", "[e2e][numbers]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  // Files on a tmpfs may be as long as an offset can say.
  events.container().shell("set -e; mkdir -p /mnt/a; mount -t tmpfs tmpfs /mnt/a; echo -n > /mnt/a/file");
  CHECK(events.payload(message::write_file("/mnt/a/file", base64_of("x"), kOddOffset)).is_null());
  CHECK(byte_outside(events, "/mnt/a/file", kOddOffset) == "x");
  CHECK(byte_outside(events, "/mnt/a/file", kOddOffset - 1) == std::string(1, '\0'));
  CHECK(bytes_in(events.payload(message::read_file("/mnt/a/file", kOddOffset))) == "x");
  CHECK(bytes_in(events.payload(message::read_file("/mnt/a/file", kOddOffset - 1))) == std::string("\0x", 2));
  CHECK(bytes_in(events.payload(message::read_file("/mnt/a/file", kOddOffset + 1))).empty());
  const Json info = events.payload(message::lookup("/mnt/a/file"));
  CHECK(info["Fsize"] == kOddOffset + 1);
  CHECK(info["Fsys"]["Size"] == kOddOffset + 1);

  // Beyond the last offset there is nothing, which the kernel calls invalid.
  CHECK(events.error(message::write_file("/mnt/a/file", base64_of("x"), kLastOffset)) == EINVAL);
  CHECK(events.error(message::write_file("/mnt/a/file", base64_of("xy"), kLastOffset - 1)) == EINVAL);
  CHECK(events.payload(message::lookup("/mnt/a/file"))["Fsize"] == kOddOffset + 1);
  CHECK(events.payload(message::write_file("/mnt/a/file", base64_of("x"), kLastOffset - 1)).is_null());
  CHECK(events.payload(message::lookup("/mnt/a/file"))["Fsize"] == kLastOffset);
  CHECK(bytes_in(events.payload(message::read_file("/mnt/a/file", kLastOffset - 1, 1))) == "x");
  CHECK(events.error(message::read_file("/mnt/a/file", kLastOffset, 1)) == EINVAL);
  CHECK(events.blamed(message::write_file("/mnt/a/file", "", -1)) == "request.payload.offset");
  Json beyond = message::write_file("/mnt/a/file", "");
  beyond["payload"]["offset"] = std::uint64_t{1} << 63U;
  CHECK(events.blamed(beyond) == "request.payload.offset");
}

TEST_CASE("inode numbers that no double has are exact", "[e2e][numbers]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  // An overlay puts the number of the layer's filesystem into the uppermost bits. A tmpfs numbers its files one
  // after the other.
  events.container().shell(
      "set -e; for d in one two; do mkdir /$d; mount -t tmpfs tmpfs /$d; touch /$d/$d-a /$d/$d-b; done; "
      "mkdir /merged; mount -t overlay -o xino=on,lowerdir=/one:/two overlay /merged");
  int odd = 0;
  for (const std::string path : {"/merged/one-a", "/merged/one-b", "/merged/two-a", "/merged/two-b"}) {
    CAPTURE(path);
    struct stat status {};
    REQUIRE(::stat(events.outside(path).c_str(), &status) == 0);
    const std::uint64_t inode = status.st_ino;
    CHECK(events.payload(message::lookup(path))["Fsys"]["Ino"] == inode);
    CHECK(events.payload(message::mount_inode({path}))["mpinodes"] == Json::array({inode}));
    if (inode >> 53U != 0 && inode % 2 == 1) ++odd;
  }
  // These a double would have rounded.
  CHECK(odd > 0);
}

TEST_CASE("a list without elements is null", "[e2e][numbers]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("mkdir /tmp/empty");
  CHECK(events.payload(message::read_dir("/tmp/empty")).is_null());
  CHECK(events.payload(message::mount_inode(nullptr)) == Json({{"mpinodes", nullptr}}));
}

}  // namespace
}  // namespace nsenterd::test
