// Started by a service manager: sockets that it hands over, and what it is told.
#include "support/service_manager.hpp"

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include <sys/socket.h>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kIdle = "STATUS=0 clients, 0 events under way, 0 agents warm";

/// A daemon that has one socket, named as it has to be, and is ready.
struct Activated {
  explicit Activated(std::vector<std::string> options = {}, std::chrono::microseconds watchdog = {}) {
    manager.start(
        {.sockets = {socket.get()}, .names = "varlink", .watchdog = watchdog, .options = std::move(options)});
    CHECK(manager.told("STATUS=") == kIdle);
    CHECK(manager.told("READY=1"));
  }

  ServiceManager manager;
  UniqueFd socket = manager.listen(SOCK_STREAM);
};

TEST_CASE("connections that wait at a socket handed over are served when the daemon starts",
          "[e2e][systemd]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  ServiceManager manager;
  const UniqueFd socket = manager.listen(SOCK_STREAM);
  RawClient early(manager.socket());
  const Json call{{"method", "io.nsenterd.SendRequest"},
                  {"parameters",
                   {{"pid", container.pid()},
                    {"namespace", kContainerNamespaces},
                    {"request", read_request("/proc/uptime")}}}};
  REQUIRE(early.send(call.dump() + '\0'));
  CHECK_FALSE(early.has_reply(milliseconds(100)));
  manager.start({.sockets = {socket.get()}, .names = "varlink"});
  const auto reply = early.receive();
  REQUIRE(reply);
  CHECK(Json::parse(*reply)["parameters"]["response"]["message"] == "readFileResponse");
}

TEST_CASE("several sockets handed over are all served, and their paths stay", "[e2e][systemd]") {
  ServiceManager manager;
  const ServiceManager other;
  const UniqueFd first = manager.listen(SOCK_STREAM);
  const UniqueFd second = other.listen(SOCK_STREAM);
  manager.start({.sockets = {first.get(), second.get()}, .names = "varlink:varlink"});
  for (const auto& path : {manager.socket(), other.socket()}) {
    CHECK(RawClient(path).call("org.varlink.service.GetInfo").contains("parameters"));
    CHECK(RawClient(path).call("org.varlink.service.GetInfo").contains("parameters"));
  }
  // Nothing else is bound.
  CHECK_FALSE(std::filesystem::exists(manager.socket().parent_path() / "unused"));
  manager.send_signal(SIGTERM);
  CHECK(manager.wait() == 0);
  CHECK(std::filesystem::exists(manager.socket()));
  // Somebody still listens: the next daemon will answer.
  CHECK_NOTHROW(RawClient(manager.socket()));
}

TEST_CASE("what is handed over and is not to be served keeps the daemon from starting", "[e2e][systemd]") {
  struct Wrong {
    int type;
    const char* name;
    const char* why;
  };
  const Wrong wrong = GENERATE(Wrong{SOCK_STREAM, "nsenterd.socket", "is none of ours"},
                               Wrong{SOCK_DGRAM, "varlink", "is no listening unix stream socket"},
                               Wrong{SOCK_SEQPACKET, "varlink", "is no listening unix stream socket"});
  ServiceManager manager;
  const UniqueFd socket = manager.listen(wrong.type);
  manager.start({.sockets = {socket.get()}, .names = wrong.name});
  CHECK(manager.wait() == 1);
  INFO(manager.log());
  CHECK(manager.log().find("descriptor 3") != std::string::npos);
  CHECK(manager.log().find('"' + std::string(wrong.name) + '"') != std::string::npos);
  CHECK(manager.log().find(wrong.why) != std::string::npos);
}

TEST_CASE("a socket that does not listen is not served", "[e2e][systemd]") {
  ServiceManager manager;
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  manager.start({.sockets = {socket.get()}, .names = "varlink"});
  CHECK(manager.wait() == 1);
  CHECK(manager.log().find("is no listening unix stream socket") != std::string::npos);
}

TEST_CASE("the fork server has nothing of the service manager's", "[e2e][systemd]") {
  const Activated daemon({}, seconds(60));
  const auto children = children_of(daemon.manager.pid());
  REQUIRE(children.size() == 1);
  const std::string environment = read_file(proc_path(children.front(), "environ"));
  for (const char* name : {"NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_"}) {
    INFO(name);
    CHECK(environment.find(name) == std::string::npos);
  }
  // Its control socket, and its copy of the program: not what was handed over.
  const auto inode =
      std::filesystem::read_symlink(proc_path(::getpid(), "fd/" + std::to_string(daemon.socket.get())));
  for (const int descriptor : descriptors_of(children.front())) {
    CHECK(std::filesystem::read_symlink(proc_path(children.front(), "fd/" + std::to_string(descriptor))) !=
          inode);
  }
}

TEST_CASE("the watchdog hears of a loop that turns, and of one that does not", "[e2e][systemd]") {
  const Activated daemon({}, milliseconds(400));
  for (int i = 0; i < 5; ++i) CHECK(daemon.manager.told("WATCHDOG=1", milliseconds(400)));
  daemon.manager.send_signal(SIGSTOP);
  // One may be on its way.
  daemon.manager.told("WATCHDOG=1", milliseconds(50));
  CHECK_FALSE(daemon.manager.told("WATCHDOG=1", milliseconds(600)));
  daemon.manager.send_signal(SIGCONT);
  CHECK(daemon.manager.told("WATCHDOG=1", milliseconds(400)));
}

TEST_CASE("without a watchdog nothing is sent", "[e2e][systemd]") {
  const Activated daemon;
  CHECK_FALSE(daemon.manager.told("", milliseconds(1500)));
}

TEST_CASE("the status says what there is to do, and only when it changes", "[e2e][systemd]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Activated daemon({"--warm-agent-time", "2s"});
  {
    RawClient client(daemon.manager.socket());
    client.request(container.pid(), sleep_request(3), {{"async", true}});
    CHECK(daemon.manager.told("STATUS=") == "STATUS=1 client, 1 event under way, 0 agents warm");
    RawClient other(daemon.manager.socket());
    CHECK(daemon.manager.told("STATUS=") == "STATUS=2 clients, 1 event under way, 0 agents warm");
    // The event ends by itself, and its agent when it has been idle for long enough: nobody calls.
    CHECK(daemon.manager.told("STATUS=") == "STATUS=2 clients, 0 events under way, 1 agent warm");
    CHECK(daemon.manager.told("STATUS=") == "STATUS=2 clients, 0 events under way, 0 agents warm");
  }
  CHECK(daemon.manager.told("STATUS=") == kIdle);
}

TEST_CASE("the status is told at most once a second", "[e2e][systemd]") {
  const Activated daemon;
  const auto begin = std::chrono::steady_clock::now();
  int told = 0;
  while (std::chrono::steady_clock::now() - begin < milliseconds(2500)) {
    // There for a moment, and not there for another.
    std::optional<RawClient> client(daemon.manager.socket());
    client->call("org.varlink.service.GetInfo");
    if (daemon.manager.told("STATUS=", milliseconds(20))) ++told;
    client.reset();
    if (daemon.manager.told("STATUS=", milliseconds(20))) ++told;
  }
  CHECK(told <= 3);
}

TEST_CASE("a daemon that ends says so, and how long it may take", "[e2e][systemd]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Activated daemon({"--drain-time", "1m"});
  RawClient client(daemon.manager.socket());
  client.request(container.pid(), sleep_request(1), {{"async", true}});
  daemon.manager.send_signal(SIGTERM);
  // In microseconds; the drain time, and what comes after it.
  CHECK(daemon.manager.told("STOPPING=1") == "STOPPING=1\nEXTEND_TIMEOUT_USEC=65000000");
  CHECK(daemon.manager.wait() == 0);
}

TEST_CASE("a service manager that does not listen any more disturbs nobody", "[e2e][systemd]") {
  const Activated daemon({}, milliseconds(100));
  std::filesystem::remove(daemon.manager.socket().parent_path() / "notify");
  CHECK(wait_until([&] { return daemon.manager.log().find("cannot notify") != std::string::npos; }));
  CHECK(RawClient(daemon.manager.socket()).call("org.varlink.service.GetInfo").contains("parameters"));
}

}  // namespace
}  // namespace nsenterd::test
