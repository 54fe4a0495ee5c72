// Many containers at once, and one that hangs.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/stalled_mount.hpp"
#include "support/unflushed_file.hpp"

namespace nsenterd::test {
namespace {

using Kind = RuncContainer::UserNamespace;

const Profile kLoadProfile{.calls = {"mkdirat"}, .metadata = {}, .capabilities = {}};

std::size_t entries_of(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("a thousand calls of four containers at once: none is lost") {
  NSENTERD_NEEDS(missing_for_containers());
  const SeccompAgent agent("[syscalls.mkdirat]\nhandler = \"mkdir\"\nsuffix = \"-{id}\"\ntimeout = \"60s\"");
  std::vector<std::unique_ptr<ProfiledContainer>> containers;
  for (const Kind kind : {Kind::none, Kind::mapped, Kind::none, Kind::mapped}) {
    containers.push_back(std::make_unique<ProfiledContainer>(kind, agent, kLoadProfile));
    containers.back()->put_directory("/made", 0, 0755);
  }
  const auto before = agent.holdings();
  std::vector<std::string> made(containers.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    threads.emplace_back([&, i] { made[i] = containers[i]->probe({"many", "/made/", "250"}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < containers.size(); ++i) {
    CHECK(made[i] == "250");
    CHECK(entries_of(containers[i]->path("/made")) == 250);
  }
  CHECK(agent.holds_only(before));
}

TEST_CASE("a call that hangs times out, and holds up no other container") {
  NSENTERD_NEEDS(missing_for_containers());
  const SeccompAgent agent("[syscalls.mkdirat]\nhandler = \"mkdir\"\ntimeout = \"3s\"");
  const ProfiledContainer hanging(Kind::none, agent, kLoadProfile);
  const ProfiledContainer other(Kind::mapped, agent, kLoadProfile);
  hanging.put_directory("/stalled", 0, 0755);
  other.put_directory("/made", 0, 0755);
  const auto before = agent.holdings();
  const StalledMount stalled(hanging, "/stalled");
  std::string outcome;
  std::thread caller([&] { outcome = hanging.probe({"mkdirat", "cwd", "/stalled/new", "0755"}); });
  // Its module is there, beside the fork server.
  const bool hangs = wait_until([&] { return agent.holdings().children > before.children; });
  CHECK(other.probe({"mkdirat", "cwd", "/made/new", "0755"}) == "0");
  const bool still_hangs = agent.holdings().children > before.children;
  caller.join();
  CHECK(hangs);
  CHECK(still_hangs);
  CHECK(outcome == "ETIMEDOUT");
  CHECK(agent.holds_only(before));
}

TEST_CASE("a file whose closing hangs holds up no other container") {
  NSENTERD_NEEDS(missing_for_containers());
  const SeccompAgent agent(R"(
[syscalls.openat2]
handler = "open"
directories = ["/unflushed"]
[syscalls.mkdirat]
handler = "mkdir")");
  const Profile profile{.calls = {"mkdirat", "openat2"}, .metadata = {}, .capabilities = {}};
  const ProfiledContainer hanging(Kind::none, agent, profile);
  const ProfiledContainer other(Kind::mapped, agent, profile);
  hanging.put_directory("/unflushed", 0, 0755);
  other.put_directory("/made", 0, 0755);
  const auto before = agent.holdings();
  std::thread caller;
  {
    const UnflushedFile unflushed(hanging, "/unflushed");
    caller = std::thread([&] {
      (void)hanging.exec_configured({"/bin/probe", "openat2", "cwd", "/unflushed/file", "0", "0", "0"});
    });
    // The module, the agent, and the process.
    CHECK(wait_until([&] { return unflushed.waiting() == 3; }));
    CHECK(other.probe({"mkdirat", "cwd", "/made/new", "0755"}) == "0");
  }
  caller.join();
  CHECK(agent.holds_only(before));
}

TEST_CASE("a container has no more calls handled at a time than the limit says") {
  NSENTERD_NEEDS(missing_for_containers());
  const SeccompAgent agent("[limits]\ncalls = 2\n[syscalls.mkdirat]\nhandler = \"mkdir\"\ntimeout = \"1s\"");
  const ProfiledContainer container(Kind::none, agent, kLoadProfile);
  container.put_directory("/stalled", 0, 0755);
  container.put_directory("/go", 0, 0755);
  (void)container.start_probe({"each", "/stalled/", "5", "/go/"});
  REQUIRE(wait_until([&] { return std::filesystem::exists(container.path("/go/4")); }));
  REQUIRE(says(agent, "is served", 2));
  const auto before = agent.holdings();
  const StalledMount stalled(container, "/stalled");
  const auto begin = std::chrono::steady_clock::now();
  for (const char* which : {"0", "1", "2", "3", "4"}) std::ofstream(container.path("/go") / which);
  // Each is answered in its turn at its deadline: two, two, one. A process that was killed may be there for a moment longer.
  std::size_t most = 0;
  const auto all_are_answered = [&] {
    most = std::max(most, agent.holdings().children - before.children);
    const std::string log = agent.log();
    std::size_t answered = 0;
    for (auto at = log.find("mkdirat: "); at != std::string::npos; at = log.find("mkdirat: ", at + 1))
      ++answered;
    return answered == 5;
  };
  CHECK(wait_until(all_are_answered, std::chrono::seconds(20)));
  CHECK(most >= 2);
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(2900));
  CHECK(agent.holds_only(before));
}

}  // namespace nsenterd::test
