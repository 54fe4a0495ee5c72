// The daemon from start to end: what it leaves behind, and what it needs.
#include <algorithm>
#include <filesystem>
#include <string>

#include <signal.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// Starts a request that stays in its agent.
void start_sleep(RawClient& client, pid_t target) {
  const Json parameters{{"pid", target}, {"namespace", kContainerNamespaces}, {"request", sleep_request(60)}};
  client.send(Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0');
}

bool all_gone(const std::vector<pid_t>& pids) {
  // The test is no parent of theirs, so the dead ones are reaped by process 1.
  return wait_until(
      [&] {
        return std::none_of(pids.begin(), pids.end(), [](pid_t pid) {
          return process_exists(pid) && !status_field(pid, "State").starts_with("Z");
        });
      },
      std::chrono::seconds(1));
}

TEST_CASE("SIGTERM and SIGINT end the daemon cleanly, also with events under way", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (const int signal : {SIGTERM, SIGINT}) {
    Daemon daemon({"--drain-time", "0ms"});
    RawClient client(daemon.socket());
    start_sleep(client, container.pid());
    REQUIRE(wait_until([&] { return daemon.agents().size() == 1; }));
    const auto children = children_of(daemon.pid());
    CHECK(daemon.end(signal) == 0);
    CHECK(all_gone(children));
    CHECK_FALSE(std::filesystem::exists(daemon.socket()));
  }
}

TEST_CASE("a daemon that is killed in any state leaves no agent behind", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (int round = 0; round < 20; ++round) {
    Daemon daemon;
    std::vector<RawClient> clients;
    for (int i = 0; i < 8; ++i) start_sleep(clients.emplace_back(daemon.socket()), container.pid());
    // Sooner or later: while agents are forked, join, or run.
    ::usleep(static_cast<useconds_t>(round * 150));
    ::kill(daemon.pid(), SIGSTOP);
    const auto children = children_of(daemon.pid());
    CHECK(daemon.end(SIGKILL) == 128 + SIGKILL);
    CHECK(all_gone(children));
    // Also those that the fork server made afterwards. Dead ones stay until process 1 of the machine reaps
    // them.
    CHECK(wait_until(
        [&] {
          return container.shell("ps -eo stat=,comm= | grep -v ^Z | grep -c nsenter-agent; true") == "0\n";
        },
        std::chrono::seconds(1)));
  }
}

TEST_CASE("no other thread of the daemon holds its descriptors, so that they are closed when it ends",
          "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const std::filesystem::path tasks = proc_path(daemon.pid(), "task");
  int others = 0;
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    if (task.path().filename() == std::to_string(daemon.pid())) continue;
    ++others;
    CHECK(wait_until([&] {
      const std::filesystem::directory_iterator open(task.path() / "fd");
      return std::all_of(begin(open), end(open),
                         [](const auto& fd) { return std::stoi(fd.path().filename()) <= STDERR_FILENO; });
    }));
  }
  // That of the log.
  CHECK(others == 1);
}

TEST_CASE("10,000 events leave the daemon as it was", "[e2e][slow]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  RawClient client(daemon.socket());
  const auto run_events = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const Json reply = client.request(container.pid(), read_request("/proc/sys/kernel/hostname"));
      REQUIRE(reply["parameters"]["response"]["message"] == "readFileResponse");
    }
  };
  run_events(1000);
  REQUIRE(wait_until([&] { return daemon.agents().empty(); }));
  // A pidfd is closed just after its process has been waited for.
  client.call("org.varlink.service.GetInfo");
  const auto descriptors = descriptors_of(daemon.pid());
  const auto fork_server_descriptors = descriptors_of(daemon.fork_server());
  const long memory = resident_memory(daemon.pid());
  run_events(10000);
  CHECK(wait_until([&] { return daemon.agents().empty(); }));
  CHECK(wait_until([&] { return descriptors_of(daemon.pid()) == descriptors; }));
  CHECK(descriptors_of(daemon.fork_server()) == fork_server_descriptors);
  if (kKeepsFreedMemory) return;
  // Pages of the allocator may still come and go.
  CHECK(resident_memory(daemon.pid()) <= memory + 256);
  CHECK(resident_memory(daemon.pid()) < 25 * 1024);
  CHECK(resident_memory(daemon.fork_server()) < 4 * 1024);
}

TEST_CASE("a socket that a killed daemon left is replaced, one that is served is not", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const auto start_at = [](const std::string& socket) {
    return run(
        {program_under_test("NSENTERD"), "--socket", socket, "--agent", program_under_test("NSENTER_AGENT")},
        std::chrono::seconds(1));
  };
  const auto second = start_at(daemon.socket());
  CHECK(second.status == 1);
  CHECK(second.errors.find("bind " + daemon.socket().native()) != std::string::npos);
  // It did not take the first one's socket away.
  RawClient client(daemon.socket());
  CHECK(client.call("org.varlink.service.GetInfo").contains("parameters"));

  Daemon killed;
  const std::filesystem::path left = killed.socket().parent_path() / "left";
  std::filesystem::rename(killed.socket(), left);
  killed.end(SIGKILL);
  REQUIRE(std::filesystem::exists(left));
  CHECK(start_at(left).status == -1);  // It served until its time was over.
}

TEST_CASE("a daemon that cannot start says why", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const auto start = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program_under_test("NSENTERD"));
    return run(arguments);
  };
  const auto no_agent = start({"--socket", "/tmp/nsenterd-test-none", "--agent", "/does/not/exist"});
  CHECK(no_agent.status == 1);
  CHECK(no_agent.errors.find("/does/not/exist") != std::string::npos);
  CHECK(no_agent.errors.find("ENOENT") != std::string::npos);
  const auto not_executable = start({"--socket", "/tmp/nsenterd-test-none", "--agent", "/etc/passwd"});
  CHECK(not_executable.status == 1);
  CHECK(not_executable.errors.find("ENOEXEC") != std::string::npos);
  const auto no_directory =
      start({"--socket", "/does/not/exist/socket", "--agent", program_under_test("NSENTER_AGENT")});
  CHECK(no_directory.status == 1);
  CHECK(no_directory.errors.find("/does/not/exist/socket") != std::string::npos);
  CHECK(start({"--log-level", "loud"}).status == 2);
  CHECK(start({"--surplus"}).status == 2);
  CHECK(start({"--version"}).output.starts_with("nsenterd "));
  CHECK_FALSE(std::filesystem::exists("/tmp/nsenterd-test-none"));
}

TEST_CASE("the agent run by hand does nothing but say so", "[e2e]") {
  const auto by_hand = run({program_under_test("NSENTER_AGENT")});
  CHECK(by_hand.status == 2);
  CHECK(by_hand.errors.find("run by nsenterd") != std::string::npos);
}

TEST_CASE("a fork server that is killed is replaced", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  RawClient client(daemon.socket());
  const pid_t first = daemon.fork_server();
  ::kill(first, SIGKILL);
  REQUIRE(wait_until([&] { return !process_exists(first); }));
  const Json reply = client.request(container.pid(), read_request("/proc/sys/kernel/hostname"));
  CHECK(reply["parameters"]["response"]["message"] == "readFileResponse");
  CHECK(daemon.fork_server() != first);
}

TEST_CASE("requests of several clients run side by side", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  RawClient waiting(daemon.socket());
  start_sleep(waiting, container.pid());
  RawClient client(daemon.socket());
  CHECK(client.request(container.pid(), read_request("/proc/uptime"))["parameters"]["response"]["message"] ==
        "readFileResponse");
  // The deadline of one is no other's.
  CHECK(client.request(container.pid(), sleep_request(60), {{"timeoutMilliseconds", 100}})["error"] ==
        "io.nsenterd.TimedOut");
  CHECK(wait_until([&] { return daemon.agents().size() == 1; }));
}

}  // namespace
}  // namespace nsenterd::test
