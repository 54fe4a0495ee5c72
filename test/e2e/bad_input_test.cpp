// Requests that are wrong: the error names what is wrong, and nothing is left behind.
#include <unistd.h>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "watched_daemon.hpp"

namespace nsenterd::test {
namespace {

struct Fixture : WatchedDaemon {
  UnshareContainer container;

  std::string blamed(const Json& message, const Json& parameters = Json::object()) {
    return WatchedDaemon::blamed(container.pid(), message, parameters);
  }
};

Json read_with(const char* field, const Json& value) {
  Json message = read_request("/proc/uptime");
  message["payload"][field] = value;
  return message;
}

TEST_CASE("a request that is wrong is refused, naming what is wrong, before anything is forked", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  Fixture fixture;
  CHECK(fixture.blamed({{"message", "noSuchRequest"}, {"payload", nullptr}}) == "request.message");
  CHECK(fixture.blamed({{"payload", nullptr}}) == "request.message");
  CHECK(fixture.blamed({{"message", 1}}) == "request.message");
  CHECK(fixture.blamed({{"message", "sleepRequest"}, {"payload", {{"attr", "1"}}}, {"x", 1}}) == "request.x");
  CHECK(fixture.blamed({{"message", "readFileRequest"}}) == "request.payload");
  CHECK(fixture.blamed({{"message", "readFileRequest"}, {"payload", {{"file", "/x"}, {"len", 1}}}}) ==
        "request.payload.offset");
  CHECK(fixture.blamed(read_with("offset", -1)) == "request.payload.offset");
  CHECK(fixture.blamed(read_with("offset", 1.0)) == "request.payload.offset");
  CHECK(fixture.blamed(read_with("offset", 9223372036854775808U)) == "request.payload.offset");
  CHECK(fixture.blamed(read_with("len", "1")) == "request.payload.len");
  CHECK(fixture.blamed(read_with("MountProcfs", 1)) == "request.payload.MountProcfs");
  CHECK(fixture.blamed(read_with("file", std::string("/proc/\0x", 8))) == "request.payload.file");
  CHECK(fixture.blamed(read_with("file", "/" + std::string(4095, 'x'))) == "request.payload.file");
  CHECK(fixture.blamed({{"message", "openFileRequest"},
                        {"payload", {{"file", "/x"}, {"flags", "+1"}, {"mode", "0"}}}}) ==
        "request.payload.flags");
  CHECK(fixture.blamed(
            {{"message", "writeFileRequest"}, {"payload", {{"file", "/x"}, {"offset", 0}, {"data", "?"}}}}) ==
        "request.payload.data");
}

TEST_CASE("a parameter that is wrong is refused, naming it", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  Fixture fixture;
  const Json read = read_request("/proc/uptime");
  CHECK(fixture.blamed(read, {{"surplus", 1}}) == "surplus");
  CHECK(fixture.blamed(read, {{"namespace", {"user", "nope"}}}) == "namespace[1]");
  CHECK(fixture.blamed(read, {{"namespace", "user"}}) == "namespace");
  CHECK(fixture.blamed(read, {{"namespace", {"user", "pid"}}}) == "namespace");
  CHECK(fixture.blamed(read, {{"cloneFlags", 0x100}}) == "cloneFlags");
  CHECK(fixture.blamed(read, {{"cloneFlags", -1}}) == "cloneFlags");
  CHECK(fixture.blamed(read, {{"uid", -1}}) == "uid");
  CHECK(fixture.blamed(read, {{"gid", 4294967295U}}) == "gid");
  CHECK(fixture.blamed(read, {{"timeoutMilliseconds", 0}}) == "timeoutMilliseconds");
  CHECK(fixture.blamed(read, {{"async", "yes"}}) == "async");
  CHECK(fixture.client.call("io.nsenterd.SendRequest", {{"request", read}})["parameters"]["parameter"] ==
        "pid");
  CHECK(fixture.client.call("io.nsenterd.SendRequest", {{"pid", 1}})["parameters"]["parameter"] == "request");
  for (const Json& pid : {Json(0), Json(-1), Json(4294967297), Json("1"), Json(1.5)}) {
    CHECK(fixture.client.call("io.nsenterd.SendRequest",
                              {{"pid", pid}, {"request", read}})["parameters"]["parameter"] == "pid");
  }
}

TEST_CASE("a dead process and one that never was are no targets", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  Fixture fixture;
  CHECK(fixture.client.request(4194304, read_request("/x"))["error"] == "io.nsenterd.NoSuchTarget");
  const pid_t zombie = ::fork();
  if (zombie == 0) ::_exit(0);
  CHECK(wait_until([&] { return status_field(zombie, "State").starts_with("Z"); }));
  const Json reply = fixture.client.request(zombie, read_request("/x"));
  CHECK(reply["error"] == "io.nsenterd.NoSuchTarget");
  fixture.check_nothing_left();
}

TEST_CASE("a namespace that cannot be joined is named with the errno", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  Fixture fixture;
  // A user namespace may hold no more of its kind than its limit says.
  fixture.container.shell("echo 0 > /proc/sys/user/max_uts_namespaces");
  const Json reply =
      fixture.client.request(fixture.container.pid(), read_request("/x"), {{"cloneFlags", 0x04000000}});
  CHECK(reply["error"] == "io.nsenterd.JoinFailed");
  CHECK(reply["parameters"] == Json({{"step", "unshare uts"}, {"errno", ENOSPC}, {"errnoName", "ENOSPC"}}));
  fixture.check_nothing_left();
}

TEST_CASE("a client that goes away half-way leaves nothing running", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  Fixture fixture;
  {
    RawClient leaving(fixture.daemon.socket());
    leaving.send(R"({"method":"io.nsenterd.SendRequest","parameters":{"pid":)");
  }
  fixture.check_nothing_left();
  {
    RawClient leaving(fixture.daemon.socket());
    const Json parameters{{"pid", fixture.container.pid()},
                          {"namespace", kContainerNamespaces},
                          {"request", sleep_request(60)}};
    leaving.send(Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0');
    CHECK(wait_until([&] { return fixture.daemon.agents().size() == 1; }));
  }
  fixture.check_nothing_left();
}

}  // namespace
}  // namespace nsenterd::test
