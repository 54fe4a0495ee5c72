// nsenterctl as its users run it, on real containers, compared with what a process inside sees.
#include "nsenterctl.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>

#include "support/opened_namespaces.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

void check_operations(const CtlFixture& fixture, const Container& container) {
  const std::string pid = std::to_string(container.pid());
  const std::string somaxconn = "/proc/sys/net/core/somaxconn";
  std::ifstream host_file(somaxconn);
  std::string host_value;
  std::getline(host_file, host_value);

  // Read and write reach the container's value, not the host's. (runc makes /proc/sys read-only: so, the real
  // one.)
  const auto written = fixture.shell("echo 777 | CTL write --private-proc " + pid + " " + somaxconn);
  INFO(written.errors);
  CHECK(written.status == 0);
  CHECK(host_value != "777");
  CHECK(fixture.of({"read", pid, somaxconn}) == "777\n");
  CHECK(container.output_of({"cat", somaxconn}) == "777\n");
  std::string now;
  std::ifstream(somaxconn) >> now;
  CHECK(now == host_value);

  container.shell(
      "rm -rf /tmp/d; mkdir -p /tmp/d/sub; echo text > /tmp/d/file; ln -s ../file /tmp/d/link; chmod 4751 "
      "/tmp/d/file");
  CHECK(fixture.of({"read", pid, "/tmp/d/file"}) == "text\n");
  CHECK(fixture.of({"readlink", pid, "/tmp/d/link"}) == "../file\n");
  const Json info = Json::parse(fixture.of({"--json", "stat", pid, "/tmp/d/file"}))["payload"];
  CHECK(std::to_string(info["Fsys"]["Ino"].get<std::uint64_t>()) + "\n" ==
        container.output_of({"stat", "-c", "%i", "/tmp/d/file"}));
  CHECK(info["Fname"] == "file");
  CHECK(info["Fsize"] == 5);
  const std::string listing = fixture.of({"ls", pid, "/tmp/d"});
  CHECK(listing.find("-rwsr-x--x") != std::string::npos);
  const Json entries = Json::parse(fixture.of({"ls", "--json", pid, "/tmp/d"}))["payload"];
  REQUIRE(entries.size() == 3);
  CHECK(entries[0]["Fname"] == "file");
  CHECK(entries[1]["Fname"] == "link");
  CHECK(entries[2]["Fname"] == "sub");
  CHECK(entries[2]["FisDir"] == true);

  // More than one request's worth, byte for byte.
  container.shell("head -c 3000001 /dev/urandom > /tmp/d/big");
  const auto sum = fixture.shell("CTL read " + pid + " /tmp/d/big | sha256sum | cut -c1-64");
  CHECK(sum.output == container.shell("sha256sum /tmp/d/big | cut -c1-64"));
  const auto copied =
      fixture.shell("CTL read " + pid + " /tmp/d/big | (CTL write " + pid + " /tmp/d/file) && CTL read " +
                    pid + " /tmp/d/file | sha256sum | cut -c1-64");
  CHECK(copied.output == sum.output);
  container.shell("rm -rf /tmp/d");
}

TEST_CASE("nsenterctl sends a root and a working directory along", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  const CtlFixture fixture;
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const ChrootedProcess process(container.pid(), "/inner", "/deep");
  std::ofstream(container.root() / "inner/deep/here") << "here";
  const std::string pid = std::to_string(container.pid());
  const std::string root = proc_path(process.pid(), "root");
  const std::string directory = proc_path(process.pid(), "cwd");
  CHECK(fixture.of({"read", "--root", root, pid, "/deep/here"}) == "here");
  CHECK(fixture.of({"--working-directory", directory, "read", pid, "here"}) == "here");
  CHECK(fixture.of({"--working-directory", directory, "read", "--root", root, pid, "../deep/here"}) ==
        "here");
  const auto missing = fixture.ctl({"read", "--root", "/does/not/exist", pid, "/x"});
  CHECK(missing.status == 2);
  CHECK(missing.errors.find("/does/not/exist: no such file or directory") != std::string::npos);
}

TEST_CASE("the six operations show a runc container with a user namespace as its processes see it",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const CtlFixture fixture;
  check_operations(fixture, container);
}

TEST_CASE("the six operations show a runc container without a user namespace as its processes see it",
          "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::none);
  const CtlFixture fixture;
  check_operations(fixture, container);
}

TEST_CASE("what a container hides below /proc is shown really with the private procfs", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  // runc mounts /dev/null over it.
  CHECK(fixture.of({"stat", pid, "/proc/timer_list"}).find("crw") != std::string::npos);
  CHECK(fixture.of({"stat", "--private-proc", pid, "/proc/timer_list"}).find("-r--------") !=
        std::string::npos);
  CHECK(fixture.ctl({"write", pid, "/proc/sys/net/core/somaxconn"}).errors.find("EROFS") !=
        std::string::npos);
  CHECK(fixture.of({"ls", "--private-sys", pid, "/sys/class/net"}).find("lo") != std::string::npos);
}

TEST_CASE("an error response has exit status 1, and one line with the errno's name", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  const auto missing = fixture.ctl({"read", pid, "/does/not/exist"});
  CHECK(missing.status == 1);
  CHECK(missing.output.empty());
  CHECK(missing.errors == "nsenterctl: open /does/not/exist: no such file or directory (ENOENT)\n");
  CHECK(fixture.ctl({"read", pid, "/tmp"}).errors == "nsenterctl: read /tmp: is a directory (EISDIR)\n");
  const auto escape = fixture.ctl({"read", pid, "/\n\x1b[31m"});
  CHECK(escape.status == 1);
  CHECK(std::count(escape.errors.begin(), escape.errors.end(), '\n') == 1);
  CHECK(escape.errors.find('\x1b') == std::string::npos);
}

TEST_CASE("wrong usage has exit status 2", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{},
                   {"nothing"},
                   {"read", "1"},
                   {"read", "1", "/", "/"},
                   {"read", "1x", "/"},
                   {"read", "-1", "/"},
                   {"request", "--uid", "1 ", "1", "{}"},
                   {"request", "--uid", "4294967295", "1", "{}"},
                   {"read", "--timeout", "10", "1", "/"},
                   {"read", "--timeout", "-1s", "1", "/"},
                   {"read", "--namespace", "user,nope", "1", "/"},
                   {"read", "--clone-flags", "all", "1", "/"},
                   {"request", "1", "{"},
                   {"info", "--surplus"}});
  // What means nothing to a command is not ignored, before it or after it.
  fixture.refuses({{"--uid", "1", "stat", "1", "/"},
                   {"stat", "--as", "1", "1", "/"},
                   {"info", "--namespace", "none"},
                   {"request", "--private-proc", "1", "{}"},
                   {"--private-sys", "mounts", "1"},
                   {"--timeout", "1s", "read", "--timeout", "1s", "1", "/"}});
  CHECK(fixture.ctl({"--help"}).status == 0);
  CHECK(fixture.of({"--version"}).starts_with("nsenterctl "));
}

TEST_CASE("a daemon that refuses, or is not there, has exit status 3", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  const auto gone = fixture.ctl({"read", "4194304", "/"});
  CHECK(gone.status == 3);
  CHECK(std::count(gone.errors.begin(), gone.errors.end(), '\n') == 1);
  CHECK(fixture.ctl({"read", "--namespace", "user,pid", pid, "/"}).status == 3);
  const auto slow = fixture.ctl({"request", "--timeout", "100ms", pid, sleep_request(60).dump()});
  CHECK(slow.status == 3);
  const auto absent = run({program_under_test("NSENTERCTL"), "--socket", "/does/not/exist", "info"});
  CHECK(absent.status == 3);
  CHECK(absent.errors.find("ENOENT") != std::string::npos);
}

TEST_CASE("any message can be sent, and the server asked what it is", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  CHECK(Json::parse(fixture.of({"request", pid, sleep_request(0).dump()})) ==
        Json({{"message", "sleepResponse"}, {"payload", ""}}));
  const auto piped = fixture.shell("echo '" + sleep_request(0).dump() + "' | CTL request " + pid + " -");
  CHECK(Json::parse(piped.output)["message"] == "sleepResponse");
  CHECK(fixture.of({"info"}).find("io.nsenterd") != std::string::npos);
  // A new network namespace has the kernel's default again.
  container.shell("echo 99 > /proc/sys/net/core/somaxconn");
  CHECK(fixture.of({"read", pid, "/proc/sys/net/core/somaxconn"}) == "99\n");
  CHECK(fixture.of({"read", "--clone-flags", "net", pid, "/proc/sys/net/core/somaxconn"}) == "4096\n");
}

TEST_CASE("every command but the one that runs another can answer in JSON", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  const auto commands_of = [&](std::vector<std::string> group) {
    group.emplace_back("--help");
    const std::string help = fixture.of(std::move(group));
    std::istringstream lines(help.substr(help.find("\nSubcommands:\n")));
    std::vector<std::string> commands;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("  ") && line[2] != ' ') commands.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    return commands;
  };
  const auto has_json = [&](std::vector<std::string> command) {
    command.emplace_back("--help");
    return fixture.of(std::move(command)).find("  --json ") != std::string::npos;
  };
  const auto commands = commands_of({});
  CHECK(commands.size() > 15);
  for (const std::string& command : commands) {
    INFO(command);
    if (command != "xattr") CHECK(has_json({command}) == (command != "open"));
  }
  for (const std::string& command : commands_of({"xattr"})) CHECK(has_json({"xattr", command}));
}

TEST_CASE("several messages are one event, whose responses are printed in their order", "[e2e][cli][list]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  const std::string sleep = sleep_request(0).dump();
  const std::string read = read_request("/proc/sys/kernel/ostype").dump();
  const std::string missing = read_request("/does/not/exist").dump();
  const std::string slept = R"({"message":"sleepResponse","payload":""})";
  const std::string linux = R"({"message":"readFileResponse","payload":"TGludXgK"})";
  CHECK(fixture.of({"request", pid, sleep, read, sleep}) == slept + '\n' + linux + '\n' + slept + '\n');
  CHECK(
      fixture.shell("echo '" + read + "' | CTL request " + pid + " '" + sleep + "' - --timeout 5s").output ==
      slept + '\n' + linux + '\n');
  const auto failed = fixture.ctl({"request", pid, sleep, missing, read});
  CHECK(failed.status == 1);
  CHECK(failed.output.starts_with(slept + "\n{\"message\":\"errorResponse\""));
  CHECK(std::count(failed.output.begin(), failed.output.end(), '\n') == 2);
  CHECK(failed.errors == "nsenterctl: open /does/not/exist: no such file or directory (ENOENT)\n");
  CHECK(fixture.ctl({"request", pid, missing, read}).status == 1);
  const auto wrong = fixture.ctl({"request", pid, sleep, R"({"message":"nothing"})"});
  CHECK(wrong.status == 3);
  CHECK(wrong.errors.find("followingRequests[0].message") != std::string::npos);
  fixture.refuses({{"request", pid}, {"request", pid, sleep, "{"}, {"request", pid, sleep, "1"}});
}

}  // namespace
}  // namespace nsenterd::test
