// How the agent starts and ends, and what it says of what it has done.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

using Kind = RuncContainer::UserNamespace;

constexpr char kLifePolicy[] = R"(
[syscalls.mkdirat]
handler = "mkdir"
timeout = "60s"
log = true
[syscalls.fchmodat]
handler = "errno"
errno = "EBADMSG"
)";

const Profile kLifeProfile{.calls = {"mkdirat", "fchmodat", "getppid"}, .metadata = {}, .capabilities = {}};

CommandResult run_agent(const std::filesystem::path& socket) {
  const PolicyFile policy("");
  return run({program_under_test("SECCOMP_AGENT"), "--policy", policy.path(), "--socket", socket},
             std::chrono::seconds(3));
}

}  // namespace

TEST_CASE("a socket that somebody listens on is left alone, and so is what is no socket") {
  NSENTERD_NEEDS(missing_root());
  const SeccompAgent agent(kLifePolicy);
  const auto& socket = agent.process().socket();
  const CommandResult second = run_agent(socket);
  CHECK(second.status == 1);
  CHECK(second.errors.find(socket) != std::string::npos);
  CHECK(second.errors.find("in use") != std::string::npos);
  CHECK(RawClient(socket).descriptor() >= 0);
  const PolicyFile file("text");
  CHECK(run_agent(file.path()).status == 1);
  CHECK(read_file(file.path()) == "text");
}

TEST_CASE("a socket that a killed agent has left is replaced, and removed at the end") {
  NSENTERD_NEEDS(missing_root());
  SeccompAgent agent(kLifePolicy);
  CHECK(agent.process().end(SIGKILL) == 128 + SIGKILL);
  CHECK(std::filesystem::exists(agent.process().socket()));
  REQUIRE_NOTHROW(agent.process().start_again());
  CHECK(agent.process().end(SIGTERM) == 0);
  CHECK_FALSE(std::filesystem::exists(agent.process().socket()));
}

TEST_CASE("the counters say what became of which call") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kLifePolicy);
  const ProfiledContainer container(Kind::none, agent, kLifeProfile);
  CHECK(container.probe({"many", "/tmp/", "3"}) == "3");
  CHECK(container.probe({"mkdirat", "cwd", "/tmp/0", "0755"}) == "EEXIST");
  CHECK(container.probe({"fchmodat", "/tmp", "0700"}) == "EBADMSG");
  CHECK(container.probe({"getppid"}) == "ENOSYS");
  agent.process().send_signal(SIGUSR1);
  CHECK(says(agent, "mkdirat: calls 4, EEXIST 1, done 3"));
  CHECK(says(agent, "fchmodat: calls 1, EBADMSG 1"));
  CHECK(says(agent, "getppid: calls 1, ENOSYS 1"));
  // What the policy wants logged, and nothing else.
  CHECK(says(agent, ": EEXIST"));
  CHECK(agent.log().find(": EBADMSG") == std::string::npos);
  agent.process().send_signal(SIGUSR1);
  CHECK(says(agent, "fchmodat: calls 1, EBADMSG 1", 2));
  CHECK(agent.process().end(SIGTERM) == 0);
  CHECK(says(agent, "fchmodat: calls 1, EBADMSG 1", 3));
}

TEST_CASE("the agent ends within five seconds, whatever hangs, and leaves no process") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kLifePolicy);
  const ProfiledContainer container(Kind::none, agent, kLifeProfile);
  container.put_directory("/stalled", 0, 0755);
  const auto before = agent.holdings();
  const StalledMount stalled(container, "/stalled");
  std::string outcome;
  std::thread caller([&] { outcome = container.probe({"mkdirat", "cwd", "/stalled/new", "0755"}); });
  const bool hangs = wait_until([&] { return agent.holdings().children > before.children; });
  const auto children = children_of(agent.process().pid());
  agent.process().send_signal(SIGTERM);
  const bool has_ended =
      wait_until([&] { return status_field(agent.process().pid(), "State").starts_with("Z"); },
                 std::chrono::milliseconds(5500));
  CHECK(agent.process().end(SIGKILL) == 0);
  caller.join();
  CHECK(hangs);
  CHECK(has_ended);
  CHECK(outcome == "ENOSYS");
  for (const pid_t child : children) CHECK(wait_until([&] { return !process_exists(child); }));
}

TEST_CASE("an agent that is killed leaves no process in a container") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kLifePolicy);
  const ProfiledContainer container(Kind::mapped, agent, kLifeProfile);
  container.put_directory("/stalled", 1000, 0755);
  const auto before = agent.holdings();
  const StalledMount stalled(container, "/stalled");
  std::thread caller([&] {
    (void)container.exec_configured({"/bin/probe", "mkdirat", "cwd", "/stalled/new", "0755"},
                                    {"--user", "1000"});
  });
  const auto hangs = [&] {
    const auto children = children_of(agent.process().pid());
    return children.size() > before.children &&
           std::any_of(children.begin(), children.end(), StalledMount::holds);
  };
  CHECK(wait_until(hangs));
  const auto children = children_of(agent.process().pid());
  CHECK(agent.process().end(SIGKILL) == 128 + SIGKILL);
  for (const pid_t child : children) CHECK(wait_until([&] { return !process_exists(child); }));
  caller.join();
}

TEST_CASE("the agent ends at once when nothing is under way") {
  NSENTERD_NEEDS(missing_for_containers());
  SeccompAgent agent(kLifePolicy);
  const ProfiledContainer container(Kind::none, agent, kLifeProfile);
  CHECK(container.probe({"many", "/tmp/", "1"}) == "1");
  agent.process().send_signal(SIGINT);
  CHECK(wait_until([&] { return status_field(agent.process().pid(), "State").starts_with("Z"); },
                   std::chrono::seconds(2)));
  CHECK(agent.process().end(SIGKILL) == 0);
}

}  // namespace nsenterd::test
