// How containers come and go, and the companion itself.
#include <csignal>

#include "companion/served_companion.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// Whether there is such a mount here.
bool is_mounted(const std::filesystem::path& directory) {
  return read_file("/proc/self/mountinfo").find(' ' + directory.native() + ' ') != std::string::npos;
}

bool says(const CommandResult& result, const std::string& text) {
  return result.status == 1 && result.errors.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a container is listed from when it is added until it is removed") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  CHECK(companion.command({"add", "a"}).status == 0);
  CHECK(companion.command({"list"}).output == "a -\n");
  CHECK(is_mounted(companion.root() / "a"));
  const UnshareContainer container;
  CHECK(companion.command({"start", "a", std::to_string(container.pid())}).status == 0);
  CHECK(companion.command({"list"}).output == "a " + std::to_string(container.pid()) + '\n');
  CHECK(companion.command({"remove", "a"}).status == 0);
  CHECK(companion.command({"list"}).output.empty());
  CHECK_FALSE(std::filesystem::exists(companion.root() / "a"));
  CHECK_FALSE(is_mounted(companion.root() / "a"));
}

TEST_CASE("what is wrong with a command is said") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const Companion companion(daemon);
  for (const char* name : {".", "..", ".state", "a/b", "", "a b", "a\n"}) {
    INFO(name);
    CHECK(says(companion.command({"add", name}), "a name has"));
  }
  CHECK(says(companion.command({"add", std::string(65, 'a')}), "a name has"));
  CHECK(companion.command({"add", std::string(64, 'a')}).status == 0);
  CHECK(companion.command({"add", "a"}).status == 0);
  CHECK(says(companion.command({"add", "a"}), "there is a container \"a\" already"));
  CHECK(says(companion.command({"remove", "b"}), "there is no container \"b\""));
  CHECK(says(companion.command({"start", "b", "1"}), "there is no container \"b\""));
  CHECK(says(companion.command({"start", "a", std::to_string(::getpid())}), "has the host's user namespace"));
  CHECK(says(companion.command({"start", "a", "4194304"}), "No such process"));
  CHECK(companion.command({"list"}).output == "a -\n" + std::string(64, 'a') + " -\n");
  CHECK(companion.command({}).status == 2);
  CHECK(companion.command({"add"}).status == 2);
  CHECK(companion.command({"--help"}).status == 0);
}

TEST_CASE("a container that is not started yet has the directories that are mounted into it") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const Companion companion(daemon);
  REQUIRE(companion.command({"add", "a"}).status == 0);
  const std::string proc = companion.root() / "a/proc";
  CHECK(run({"stat", "-c", "%F", proc + "/sys", proc + "/uptime", proc + "/swaps"}).output ==
        "directory\nregular file\nregular file\n");
  CHECK(run({"ls", proc + "/sys"}).errors.find("No such process") != std::string::npos);
  CHECK(read_file(proc + "/uptime") == "0.00 0.00\n");
}

TEST_CASE("one that has been removed is dead inside, and does not hold up who looks") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  REQUIRE(companion.command({"remove", served.name()}).status == 0);
  const CommandResult result = served.container().exec_configured({"/bin/cat", "/proc/uptime"});
  CHECK(result.errors.find("endpoint is not connected") != std::string::npos);
}

TEST_CASE("another container is not served from a tree that it has got hold of") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  const UnshareContainer other;
  CHECK(other.exec({"/bin/cat", served.tree() / "proc/sys/kernel/hostname"}).errors.find("not permitted") !=
        std::string::npos);
}

TEST_CASE("the mounts are gone when the companion has ended") {
  NSENTERD_NEEDS(missing_root());
  for (const int signal : {SIGTERM, SIGINT}) {
    const Daemon daemon;
    Companion companion(daemon);
    REQUIRE(companion.command({"add", "a"}).status == 0);
    CHECK(companion.process().end(signal) == 0);
    CHECK_FALSE(is_mounted(companion.root() / "a"));
    CHECK_FALSE(std::filesystem::exists(companion.root() / "a"));
    CHECK_FALSE(std::filesystem::exists(companion.process().socket()));
  }
}

TEST_CASE("what a killed companion has left is replaced by the next, which serves who is still there") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  Companion companion(daemon);
  const CompanionContainer served(companion);
  {
    const UnshareContainer ended;
    REQUIRE(companion.command({"add", "ended"}).status == 0);
    REQUIRE(companion.command({"start", "ended", std::to_string(ended.pid())}).status == 0);
  }
  REQUIRE(companion.process().end(SIGKILL) == 128 + SIGKILL);
  CHECK(is_mounted(served.tree()));
  companion.process().start_again();
  CHECK(read_file(served.tree() / "proc/sys/kernel/hostname") == "container\n");
  CHECK_FALSE(std::filesystem::exists(companion.root() / "ended"));
  CHECK(companion.command({"list"}).output == served.name() + ' ' + std::to_string(served.pid()) + '\n');
}

TEST_CASE(
    "the trees of running containers are attached to them by the next companion, as often as there is one") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("echo 400 >/proc/sys/kernel/pid_max; cat /proc/sys/kernel/pid_max") == "400\n");
  for (int i = 0; i < 3; ++i) {
    companion.process().end(i == 0 ? SIGTERM : SIGKILL);
    companion.process().start_again();
    REQUIRE(wait_until([&] {
      return served.container().exec_configured({"/bin/cat", "/proc/uptime", "/proc/swaps"}).status == 0;
    }));
    CHECK(wait_until([&] {
      return served.container().exec_configured({"/bin/cat", "/proc/sys/kernel/pid_max"}).output == "400\n";
    }));
    CHECK(served.shell("cat /proc/sys/kernel/hostname") == "container\n");
    CHECK(served.shell("echo 1234 >/proc/sys/net/core/somaxconn; cat /proc/sys/net/core/somaxconn") ==
          "1234\n");
    // The tree that the others are bound from, and these.
    CHECK(served.shell("busybox grep -c companion /proc/self/mountinfo") == "4\n");
  }
}

TEST_CASE("the tree of a container that runs without can be attached to it") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  REQUIRE(companion.command({"add", "a"}).status == 0);
  CHECK(says(companion.command({"attach", "a"}), "has not been started"));
  REQUIRE(companion.command({"start", "a", std::to_string(container.pid())}).status == 0);
  const CommandResult attached = companion.command({"attach", "a"});
  INFO(attached.errors);
  CHECK(attached.status == 0);
  CHECK(container.shell("echo 400 >/proc/sys/kernel/pid_max; cat /proc/sys/kernel/pid_max /proc/swaps")
            .substr(0, 12) == "400\nFilename");
}

TEST_CASE("a directory has one companion at a time") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const Companion companion(daemon);
  CHECK(says(run({program_under_test("PROCFS_COMPANION"), "serve", "--root", companion.root(), "--control",
                  companion.root() / ".second"}),
             "another companion uses"));
}

}  // namespace nsenterd::test
