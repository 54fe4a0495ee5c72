// On whose behalf a file is opened, read and written, where the request has a header: the caller's root, working directory, ids
// and capabilities.
#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "container_events.hpp"
#include "request_list.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;
using message::capability;
using message::on_behalf;
using message::open_file;

constexpr char kForwarding[] = "/proc/sys/net/ipv4/conf/all/forwarding";

/// To be looked up in the private procfs.
Json privately(Json request) {
  request["payload"]["MountProcfs"] = true;
  return request;
}

Json write_line(const std::string& file, const std::string& line) {
  return message::write_file(file, base64_of(line + "\n"));
}

int error(ServedContainer& served, const Json& request, const Personality& caller) {
  return served.error(on_behalf(request, caller.header()), caller);
}

/// What the kernel says to a process of that personality, in the container's namespaces, that writes a line to a file of procfs, which is the
/// host's: /proc/sys shows a process what is its namespaces'. The errno of what fails first.
int error_of_process(const ServedContainer& served, bool joins_user, const std::string& file,
                     const std::string& line, const Personality& caller) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    const UniqueFd target(base::pidfd_open(served.container().pid()));
    const int kinds = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | (joins_user ? CLONE_NEWUSER : 0);
    const std::array<std::uint32_t, 2> capabilities{static_cast<std::uint32_t>(caller.capabilities),
                                                    static_cast<std::uint32_t>(caller.capabilities >> 32U)};
    const bool is_caller = ::setgroups(0, nullptr) == 0 && ::setns(target.get(), kinds) == 0 &&
                           ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 &&
                           ::setresgid(*caller.gid, *caller.gid, *caller.gid) == 0 &&
                           ::setresuid(*caller.uid, *caller.uid, *caller.uid) == 0 &&
                           base::set_capabilities(capabilities) == 0;
    if (!is_caller) ::_exit(255);
    const int opened = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    const std::string text = line + "\n";
    const bool written = opened >= 0 && ::pwrite(opened, text.data(), text.size(), 0) >= 0;
    ::_exit(written ? 0 : errno);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 255)
    throw std::runtime_error("the process did not become the caller");
  return WEXITSTATUS(status);
}

TEST_CASE("a sysctl is written as the kernel lets the caller write it", "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  CAPTURE(kind == Kind::mapped);
  ServedContainer served(kind);
  const std::uint64_t all = served.all_capabilities();
  const std::uint64_t network = capability(CAP_NET_ADMIN);
  for (const uid_t id : {0U, 1000U}) {
    for (const std::uint64_t capabilities : {std::uint64_t{0}, network, all & ~network, all}) {
      for (const std::string& file : {std::string(kForwarding), std::string("/proc/sys/net/core/somaxconn"),
                                      std::string("/proc/sys/net/ipv4/ip_local_port_range"),
                                      std::string("/proc/sys/kernel/domainname")}) {
        CAPTURE(id, capabilities, file);
        const Personality caller{.capabilities = capabilities, .uid = id, .gid = id};
        const std::string line = file.ends_with("range") ? "32768 60999" : "1";
        const int expected = error_of_process(served, kind == Kind::mapped, file, line, caller);
        CHECK(error(served, privately(write_line(file, line)), caller) == expected);
      }
    }
  }
  CHECK(served.nothing_left());
}

TEST_CASE("a sysctl is opened by who may open it, and written to by who has the capability for that",
          "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  CAPTURE(kind == Kind::mapped);
  ServedContainer served(kind);
  const std::uint64_t all = served.all_capabilities();
  const Personality user{.uid = 1000, .gid = 1000};
  const Personality weak_root{.capabilities = all & ~capability(CAP_NET_ADMIN), .uid = 0, .gid = 0};
  const Personality root{.capabilities = all, .uid = 0, .gid = 0};
  const Json opening = privately(open_file(kForwarding, O_WRONLY));
  const Json writing = privately(write_line(kForwarding, "1"));
  const auto value = [&] {
    return bytes_in(served.response(privately(message::read_file(kForwarding)))["payload"]);
  };
  const std::string before = value();
  CHECK(error(served, privately(open_file(kForwarding, O_RDONLY)), user) == 0);
  CHECK(error(served, privately(message::read_file(kForwarding)), user) == 0);
  CHECK(error(served, opening, user) == EACCES);
  CHECK(error(served, writing, user) == EACCES);
  // Root of a user namespace is not the root whose file it is: without the capability he is anybody.
  CHECK(error(served, opening, weak_root) == (kind == Kind::none ? 0 : EACCES));
  CHECK(error(served, writing, weak_root) == (kind == Kind::none ? EPERM : EACCES));
  CHECK(value() == before);
  CHECK(error(served, opening, root) == 0);
  CHECK(error(served, writing, root) == 0);
  CHECK(value() == "1\n");
  // Without a header it is the agent that writes, whatever the ids.
  CHECK(served.error(privately(write_line(kForwarding, "0")), user) == 0);
  CHECK(value() == "0\n");
  // What the container sees itself is read-only, to everybody.
  CHECK(error(served, write_line(kForwarding, "1"), root) == EROFS);
  CHECK(served.nothing_left());
}

TEST_CASE("a file of another user is opened, read and written only by who may", "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/of-user", "user's", 0600, 1000, 1000);
  served.put_file("/of-group", "group's", 0060, 1001, 2000);
  served.put_file("/of-root", "root's", 0600);
  served.put_directory("/locked", 0700);
  served.put_file("/locked/inside", "inside", 0666);
  const auto check = [&](const std::string& file, const Personality& caller, int read, int write) {
    CAPTURE(file, *caller.uid, *caller.gid, caller.capabilities);
    CHECK(error(served, open_file(file, O_RDONLY), caller) == read);
    CHECK(error(served, message::read_file(file), caller) == read);
    CHECK(error(served, open_file(file, O_WRONLY), caller) == write);
    CHECK(error(served, message::write_file(file, ""), caller) == write);
  };
  check("/of-user", {.uid = 1000, .gid = 1000}, 0, 0);
  check("/of-user", {.uid = 1001, .gid = 1000}, EACCES, EACCES);
  check("/of-user", {.uid = 0, .gid = 0}, EACCES, EACCES);
  check("/of-user", {.capabilities = capability(CAP_DAC_OVERRIDE), .uid = 1001, .gid = 1001}, 0, 0);
  check("/of-user", {.capabilities = capability(CAP_DAC_READ_SEARCH), .uid = 1001, .gid = 1001}, 0, EACCES);
  check("/of-group", {.uid = 1000, .gid = 2000}, 0, 0);
  check("/of-group", {.uid = 1000, .gid = 2001}, EACCES, EACCES);
  check("/of-root", {.uid = 1000, .gid = 1000}, EACCES, EACCES);
  check("/locked/inside", {.uid = 1000, .gid = 1000}, EACCES, EACCES);
  check("/locked/inside", {.uid = 0, .gid = 0}, 0, 0);
  CHECK(read_file(served.path("/of-user")) == "user's");
  // What he creates is his.
  served.put_directory("/open", 0777);
  CHECK(error(served, open_file("/open/new", O_CREAT | O_WRONLY), {.uid = 1000, .gid = 2000}) == 0);
  const Json created = served.response(message::lookup("/open/new"))["payload"]["Fsys"];
  CHECK(created["Uid"] == 1000);
  CHECK(created["Gid"] == 2000);
  CHECK(served.nothing_left());
}

TEST_CASE("the path of a file begins at the caller's root and working directory, but below a private mount",
          "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/jail/inner");
  served.put_file("/file", "outside");
  served.put_file("/jail/file", "jail");
  served.put_file("/jail/inner/file", "inner");
  const auto content = [&](const Json& request, const Personality& caller) {
    return bytes_in(served.response(on_behalf(request, caller.header()), caller)["payload"]);
  };
  const Personality jailed{.root = "/jail", .cwd = "/jail/inner", .uid = 1000, .gid = 1000};
  CHECK(content(message::read_file("/file"), jailed) == "jail");
  CHECK(content(message::read_file("/../file"), jailed) == "jail");
  CHECK(content(message::read_file("file"), jailed) == "inner");
  CHECK(content(message::read_file("file"), {.uid = 1000, .gid = 1000}) == "outside");
  CHECK(error(served, message::read_file(kForwarding), jailed) == ENOENT);
  CHECK(content(privately(message::read_file(kForwarding)), jailed) == "0\n");
  // A caller who is nowhere.
  CHECK(error(served, message::read_file("/file"), {.root = "/none", .uid = 1000, .gid = 1000}) == ENOENT);
  CHECK(error(served, message::read_file("/file"), {.cwd = "/file", .uid = 1000, .gid = 1000}) == ENOTDIR);
  CHECK(served.nothing_left());
}

TEST_CASE("no magic link is followed on behalf of somebody: it would be the agent's", "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(Kind::none, Kind::mapped);
  ServedContainer served(kind);
  served.put_file("/file", "content");
  const Personality root{.capabilities = served.all_capabilities(), .uid = 0, .gid = 0};
  for (const char* file :
       {"/proc/self/root/file", "/proc/self/cwd/file", "/proc/self/exe", "/proc/self/fd/0"}) {
    CAPTURE(file);
    CHECK(error(served, message::read_file(file), root) == ELOOP);
    CHECK(error(served, open_file(file, O_RDONLY), root) == ELOOP);
    CHECK(error(served, message::write_file(file, ""), root) == ELOOP);
  }
  CHECK(error(served, privately(message::read_file("/proc/self/root/file")), root) == ELOOP);
  CHECK(served.error(message::read_file("/proc/self/root/file")) == 0);
  // An agent's belongs to the host's root.
  CHECK(error(served, open_file("/proc/self/mem", O_RDWR), root) == (kind == Kind::none ? EPERM : EACCES));
  CHECK(served.nothing_left());
}

TEST_CASE("a caller of a file request whom the container does not know is refused", "[e2e][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  const uid_t known = RuncContainer::kFirstId;
  const std::vector<Json> requests{message::read_file("/etc/passwd"), open_file("/etc/passwd", O_RDONLY),
                                   message::write_file("/etc/passwd", "")};
  for (const Json& plain : requests) {
    const Json request = on_behalf(plain);
    CAPTURE(request.dump());
    for (const uid_t unknown : {uid_t{0}, known - 1, known + 65536}) {
      CAPTURE(unknown);
      CHECK(events.WatchedDaemon::blamed(events.pid(), request, {{"uid", unknown}, {"gid", known}}) == "uid");
      CHECK(events.WatchedDaemon::blamed(events.pid(), request, {{"uid", known}, {"gid", unknown}}) == "gid");
      // Who acts for nobody ignores them.
      for (const Json& ignoring : {plain, on_behalf(plain, nullptr)})
        CHECK(events.error(ignoring, {{"uid", unknown}, {"gid", unknown}}) == 0);
    }
    CHECK(events.error(request, {{"uid", known}, {"gid", known}}) == 0);
    Json wrong = request;
    wrong["payload"]["header"]["cwd"] = 1;
    CHECK(events.client.request(events.pid(), wrong)["parameters"]["parameter"] ==
          "request.payload.header.cwd");
  }
}

TEST_CASE("in a list, a file request with a header leaves nothing of the caller to those after it",
          "[e2e][list][personality]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/of-root", "root's", 0600);
  served.put_file("/of-user", "", 0600, 1000, 1000);
  const Personality user{.uid = 1000, .gid = 1000};
  const Json plain = message::read_file("/of-root");
  const Json his = on_behalf(message::write_file("/of-user", base64_of("user's")), user.header());
  const auto responses =
      served.responses({plain, his, plain, on_behalf(message::read_file("/of-user"), user.header()), plain,
                        on_behalf(plain, user.header())},
                       user);
  REQUIRE(types_of(responses) == std::vector<std::string>{"readFileResponse", "writeFileResponse",
                                                          "readFileResponse", "readFileResponse",
                                                          "readFileResponse", "errorResponse"});
  for (const std::size_t i : {0U, 2U, 4U}) CHECK(bytes_in(responses[i]["payload"]) == "root's");
  CHECK(bytes_in(responses[3]["payload"]) == "user's");
  CHECK(responses[5]["payload"]["code"] == EACCES);
  CHECK(served.nothing_left());
}

}  // namespace
}  // namespace nsenterd::test
