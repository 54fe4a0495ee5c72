// The socket protocol, byte by byte: framing, calls, errors, descriptors.
#include <fstream>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr char kInvalidParameter[] = "org.varlink.service.InvalidParameter";

/// What the daemon answers to bytes after which it closes the connection.
Json last_words(const Daemon& daemon, const std::string& bytes) {
  RawClient client(daemon.socket());
  client.send(bytes);
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK_FALSE(client.receive());
  return Json::parse(*reply);
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("the service describes itself, and its interface with all comments", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  const Json info = client.call("org.varlink.service.GetInfo")["parameters"];
  CHECK(info["product"] == "nsenterd");
  CHECK(info["interfaces"] == Json({"io.nsenterd", "org.varlink.service"}));
  const Json description = client.call("org.varlink.service.GetInterfaceDescription",
                                       {{"interface", "io.nsenterd"}})["parameters"];
  CHECK(description["description"] == text_of_file(program_under_test("INTERFACE_FILE")));
  CHECK(client.call("org.varlink.service.GetInterfaceDescription", {{"interface", "a.b"}})["error"] ==
        "org.varlink.service.InterfaceNotFound");
}

TEST_CASE("what is no call ends the connection after an error", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const auto parameter = [&](const std::string& bytes) {
    const Json reply = last_words(daemon, bytes + '\0');
    CHECK(reply["error"] == kInvalidParameter);
    return reply["parameters"]["parameter"];
  };
  CHECK(parameter("no JSON") == "message");
  CHECK(parameter("") == "message");
  CHECK(parameter("[]") == "message");
  CHECK(parameter(R"({"method":"a.b","method":"a.c"})") == "message");
  CHECK(parameter(R"({"method":"a.b","parameters":{"x":1,"x":1}})") == "message");
  CHECK(parameter("{\"method\":\"a.\xff\"}") == "message");
  CHECK(parameter(R"({"method":"a.b","surplus":1})") == "surplus");
  CHECK(parameter(R"({"parameters":{}})") == "method");
  CHECK(parameter(R"({"method":1})") == "method");
  CHECK(parameter(R"({"method":"a.b","parameters":[]})") == "parameters");
  CHECK(parameter(R"({"method":"a.b","more":true,"oneway":true})") == "oneway");
  std::string deep(65, '[');
  CHECK(parameter(R"({"method":"a.b","parameters":{"x":)" + deep + std::string(65, ']') + "}}") == "message");
  CHECK(parameter(R"({"method":"a.b","parameters":)" + std::string(1000000, '[')) == "message");
}

TEST_CASE("a message over the limit ends the connection, however it goes on", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const std::string head = R"({"method":"io.nsenterd.SendRequest","parameters":{"request":")";
  RawClient client(daemon.socket());
  const std::string chunk(1U << 20U, 'x');
  client.send(head);
  bool refused = false;
  for (int sent = 0; sent < 100 && !refused; ++sent) refused = !client.send(chunk);
  CHECK(refused);
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(Json::parse(*reply)["error"] == kInvalidParameter);
  CHECK_FALSE(client.receive());
  // Others are served, and the memory has been given back.
  RawClient other(daemon.socket());
  CHECK(other.call("org.varlink.service.GetInfo").contains("parameters"));
  if (!kKeepsFreedMemory) CHECK(resident_memory(daemon.pid()) < 25 * 1024);
}

TEST_CASE("methods that are not there are told apart", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  CHECK(client.call("io.nsenterd.Nothing")["error"] == "org.varlink.service.MethodNotFound");
  CHECK(client.call("io.nothing.SendRequest")["parameters"]["interface"] == "io.nothing");
  CHECK(client.call("SendRequest")["error"] == "org.varlink.service.InterfaceNotFound");
  CHECK(client.call("org.varlink.service.GetInfo", {{"surplus", 1}})["parameters"]["parameter"] == "surplus");
}

TEST_CASE("calls sent ahead are answered in order, oneway calls not at all", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  std::string calls;
  for (int i = 0; i < 1000; ++i) {
    calls += Json{{"method", "a.b" + std::to_string(i) + ".C"}, {"oneway", i % 2 == 1}}.dump() + '\0';
  }
  client.send(calls);
  for (int i = 0; i < 1000; i += 2) {
    const auto reply = client.receive();
    REQUIRE(reply);
    REQUIRE(Json::parse(*reply)["parameters"]["interface"] == "a.b" + std::to_string(i));
  }
}

TEST_CASE("a call may come byte by byte", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  const std::string call = R"({"method":"org.varlink.service.GetInfo","parameters":null})";
  for (const char byte : call + '\0') client.send({&byte, 1});
  const auto reply = client.receive();
  REQUIRE(reply);
  CHECK(Json::parse(*reply).contains("parameters"));
}

TEST_CASE("the target may be given as a pidfd", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, container.pid(), 0)));
  RawClient client(daemon.socket());
  const Json parameters{{"pidFileDescriptor", 0},
                        {"namespace", kContainerNamespaces},
                        {"request", read_request("/proc/sys/kernel/hostname")}};
  const Json reply = client.call("io.nsenterd.SendRequest", parameters, {pidfd.get()});
  CHECK(reply["parameters"]["response"]["message"] == "readFileResponse");
  // Without the descriptor, with another that is no pidfd, and with both ways of naming a target.
  CHECK(client.call("io.nsenterd.SendRequest", parameters)["parameters"]["parameter"] == "pidFileDescriptor");
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(client.call("io.nsenterd.SendRequest", parameters, {file.get()})["parameters"]["parameter"] ==
        "pidFileDescriptor");
  Json both = parameters;
  both["pid"] = container.pid();
  CHECK(client.call("io.nsenterd.SendRequest", both, {pidfd.get()})["parameters"]["parameter"] ==
        "pidFileDescriptor");
}

TEST_CASE("descriptors that no parameter names are closed, too many end the connection", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  RawClient first(daemon.socket());
  first.call("org.varlink.service.GetInfo");
  const auto before = descriptors_of(daemon.pid()).size();
  {
    RawClient client(daemon.socket());
    client.call("a.b");
    const auto connected = descriptors_of(daemon.pid()).size();
    const std::vector<int> sixteen(16, file.get());
    for (int i = 0; i < 10; ++i) CHECK(client.call("a.b", Json::object(), sixteen).contains("error"));
    CHECK(wait_until([&] { return descriptors_of(daemon.pid()).size() == connected; }));
    CHECK(client.call("a.b", Json::object(), std::vector<int>(17, file.get()))["error"] == kInvalidParameter);
    CHECK_FALSE(client.receive());
  }
  {
    // Descriptors in the middle of a message are nobody's.
    RawClient client(daemon.socket());
    client.send(R"({"method":)");
    ::usleep(20000);
    client.send(R"("a.b"})", {file.get()});
    const auto reply = client.receive();
    REQUIRE(reply);
    CHECK(Json::parse(*reply)["parameters"]["parameter"] == "descriptors");
  }
  CHECK(wait_until([&] { return descriptors_of(daemon.pid()).size() == before; }));
}

TEST_CASE("users other than root are refused at the first call", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_programs({"setpriv", "python3"}));
  const Daemon daemon;
  const std::string script =
      "import socket,sys\n"
      "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
      "s.sendall(b'{\"method\":\"org.varlink.service.GetInfo\"}\\0'); print(s.recv(65536).decode())\n";
  const auto as_nobody = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env",
                              "python3", "-c", script, daemon.socket().native()});
  INFO(as_nobody.errors);
  CHECK(as_nobody.output.find("org.varlink.service.PermissionDenied") != std::string::npos);
}

TEST_CASE("a process of the host is no target", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  for (const pid_t pid : {::getpid(), daemon.pid(), pid_t{1}}) {
    CHECK(client.request(pid, read_request("/etc/shadow"))["error"] ==
          "org.varlink.service.PermissionDenied");
  }
}

}  // namespace
}  // namespace nsenterd::test
