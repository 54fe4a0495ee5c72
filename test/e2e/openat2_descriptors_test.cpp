// openat2: every descriptor is closed, in every process that it passed through, however the request ends.
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;

/// Whether nobody has a file open, nor is it on its way to anybody: only then may it be leased (fcntl(2)).
bool is_open_nowhere(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(file);
  const bool leased = ::fcntl(file.get(), F_SETLEASE, F_WRLCK) == 0;
  if (!leased) CHECK(errno == EAGAIN);
  return leased;
}

/// The descriptors that daemon, fork server and test have.
struct Counts {
  std::size_t daemon, fork_server, test;
  bool operator==(const Counts&) const = default;
};

struct Openat2Fixture {
  ServedContainer served;
  Counts before{};

  explicit Openat2Fixture(Kind kind) : served(kind) {
    served.put_file("/file", "content");
    // The fork server has whatever it keeps only once it has been asked for something.
    CHECK(openat2(served, {}, {.path = "/file"}).error == 0);
    CHECK(served.nothing_left());
    before = counts();
  }

  Counts counts() {
    return {descriptors_of(served.daemon().pid()).size(),
            descriptors_of(served.daemon().fork_server()).size(), open_descriptors()};
  }
  bool as_before() {
    return wait_until([this] { return counts() == before && is_open_nowhere(served.path("/file")); }) &&
           served.nothing_left();
  }
};

TEST_CASE("a descriptor that was passed on is the client's alone", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  {
    const Opened opened = openat2(fixture.served, {}, {.path = "/file", .flags = O_RDWR});
    REQUIRE(opened.error == 0);
    CHECK_FALSE(is_open_nowhere(fixture.served.path("/file")));
    CHECK(wait_until(
        [&] { return descriptors_of(fixture.served.daemon().pid()).size() == fixture.before.daemon; }));
    CHECK((::fcntl(opened.file.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(fixture.as_before());
}

TEST_CASE("500 opened files leave no descriptor", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  for (int i = 0; i < 500; ++i)
    REQUIRE(openat2(fixture.served, {}, {.path = "/file", .flags = O_RDWR}).error == 0);
  CHECK(fixture.as_before());
}

TEST_CASE("an error leaves no descriptor", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  ServedContainer& served = fixture.served;
  served.put_directory("/stalled");
  served.put_file("/forbidden", "", 0000);
  Personality administrator;
  administrator.capabilities = served.all_capabilities();
  const auto error = [&](const OpenHow& how, const Personality& personality = {}) {
    return openat2(served, personality, how).error;
  };
  for (int i = 0; i < 10; ++i) {
    CHECK(error({.path = "/none"}) == ENOENT);
    CHECK(error({.path = "/forbidden"}) == EACCES);
    CHECK(error({.path = "/file", .verifyfs = true}) == EIO);
    CHECK(error({.path = "/file", .flags = std::uint64_t{1} << 40U}) == EINVAL);
    CHECK(error({.path = "/file"}, {.cwd = "/none"}) == ENOENT);
    CHECK(error({.path = "/file"}, {.root = "/file"}) == ENOTDIR);
    CHECK(error({.path = "/proc/1/mem"}, administrator) == EPERM);
    CHECK(error({.path = "/proc/self/fd/0"}) == ELOOP);
    CHECK(served.reply(openat2_request({}, {.path = std::string("/\0", 2)})).contains("error"));
  }
  CHECK(fixture.as_before());
  {
    const StalledMount stalled(served.container(), "/stalled");
    for (int i = 0; i < 3; ++i) {
      CHECK(served.reply(openat2_request({}, {.path = "/stalled/f"}), {}, {{"timeoutMilliseconds", 50}})
                .contains("error"));
    }
  }
  CHECK(fixture.as_before());
}

std::string call_of(const ServedContainer& served, const OpenHow& how) {
  const Json parameters = served.parameters(openat2_request({}, how));
  return Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0';
}

TEST_CASE("a client that goes away before it has its file leaves no descriptor", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  const std::string call = call_of(fixture.served, {.path = "/file", .flags = O_RDWR});
  for (int i = 0; i < 60; ++i) {
    RawClient leaving(fixture.served.daemon().socket());
    leaving.send(call);
    pollfd readable{leaving.descriptor(), POLLIN, 0};
    // Some leave while the agent is being made or runs, some when the reply with its descriptor lies there unread.
    ::poll(&readable, 1, i % 2 == 0 ? 5000 : i / 8);
  }
  CHECK(fixture.as_before());
}

TEST_CASE("a client that reads its reply without taking descriptors leaves none", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  const std::string call = call_of(fixture.served, {.path = "/file", .flags = O_RDWR});
  RawClient careless(fixture.served.daemon().socket());
  for (int i = 0; i < 20; ++i) {
    careless.send(call);
    std::string reply;
    for (char byte = 1; byte != 0;) {
      REQUIRE(::read(careless.descriptor(), &byte, 1) == 1);
      reply += byte;
    }
    CHECK(reply.find("openat2SyscallResponse") != std::string::npos);
  }
  careless.close();
  CHECK(fixture.as_before());
}

TEST_CASE("calls sent ahead are answered each with its own file", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  Openat2Fixture fixture(GENERATE(Kind::none, Kind::mapped));
  ServedContainer& served = fixture.served;
  constexpr int kFiles = 8;
  // More than the socket holds unread replies.
  constexpr int kCalls = 400;
  std::string calls;
  for (int i = 0; i < kFiles; ++i) served.put_file("/file" + std::to_string(i), std::to_string(i));
  for (int i = 0; i < kCalls; ++i) calls += call_of(served, {.path = "/file" + std::to_string(i % kFiles)});
  {
    RawClient ahead(served.daemon().socket());
    ahead.send(calls);
    // What nobody reads does not pile up in the daemon; of what has been sent, a thread closes the daemon's own.
    for (int i = 0; i < 50; ++i) {
      ::usleep(10000);
      CHECK(descriptors_of(served.daemon().pid()).size() < fixture.before.daemon + 100);
    }
    for (int i = 0; i < kCalls; ++i) {
      const auto reply = ahead.receive();
      REQUIRE(reply);
      REQUIRE(Json::parse(*reply)["parameters"]["response"]["payload"] == Json{{"fd", 0}});
      REQUIRE(!ahead.descriptors().empty());
      const UniqueFd file = std::move(ahead.descriptors().front());
      ahead.descriptors().erase(ahead.descriptors().begin());
      char content = 0;
      REQUIRE(::read(file.get(), &content, 1) == 1);
      REQUIRE(content == '0' + i % kFiles);
    }
    CHECK(ahead.descriptors().empty());
  }
  CHECK(fixture.as_before());
  {
    RawClient leaving(served.daemon().socket());
    leaving.send(calls);
    ::usleep(50000);
  }
  CHECK(fixture.as_before());
}

}  // namespace
}  // namespace nsenterd::test
