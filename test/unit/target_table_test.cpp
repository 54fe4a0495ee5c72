// The table of targets: bounded, and of processes, not of numbers.
#include "daemon/target_table.hpp"

#include <csignal>
#include <map>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace nsenterd::test {
namespace {

using daemon::TargetTable;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// When the processes of the tests were started; nothing where there is no such process.
std::map<pid_t, std::uint64_t> g_started;
int g_asked = 0;

std::uint64_t told(pid_t pid) {
  ++g_asked;
  const auto found = g_started.find(pid);
  return found == g_started.end() ? 1 : found->second;
}

struct Fixture {
  Fixture() {
    g_started.clear();
    g_asked = 0;
  }
  TargetTable table{told};
  TargetTable::Clock::time_point now{seconds(1000)};
};

TEST_CASE("a target's counts stay its own") {
  Fixture fixture;
  fixture.table.use(1, fixture.now)->requests = 7;
  fixture.table.use(2, fixture.now)->requests = 8;
  CHECK(fixture.table.use(1, fixture.now)->requests == 7);
  CHECK(fixture.table.use(2, fixture.now)->requests == 8);
  CHECK(g_asked == 2);
}

TEST_CASE("a process that has ended has no counts") {
  Fixture fixture;
  g_started[5] = 0;
  CHECK(fixture.table.use(5, fixture.now) == nullptr);
  CHECK(fixture.table.use(6, fixture.now) != nullptr);
  g_started[6] = 0;
  CHECK(fixture.table.use(6, fixture.now + seconds(1)) == nullptr);
}

TEST_CASE("a process that gets another's number does not inherit its counts") {
  Fixture fixture;
  g_started[5] = 100;
  fixture.table.use(5, fixture.now)->requests = 7;
  CHECK(fixture.table.use(5, fixture.now + seconds(1))->requests == 7);
  g_started[5] = 101;
  CHECK(fixture.table.use(5, fixture.now + seconds(2))->requests == 0);
}

TEST_CASE("the kernel is asked about a target once a second at most") {
  Fixture fixture;
  for (int i = 0; i < 100; ++i) fixture.table.use(5, fixture.now + milliseconds(25 * i));
  CHECK(g_asked == 3);
}

TEST_CASE("of too many targets the one gives way that has not been used for longest") {
  Fixture fixture;
  constexpr auto kMost = static_cast<pid_t>(TargetTable::kMost);
  for (pid_t pid = 1; pid <= kMost; ++pid) fixture.table.use(pid, fixture.now)->requests = 1;
  fixture.table.use(1, fixture.now);
  fixture.table.use(kMost + 1, fixture.now);
  CHECK(fixture.table.use(1, fixture.now)->requests == 1);
  CHECK(fixture.table.use(3, fixture.now)->requests == 1);
  CHECK(fixture.table.use(2, fixture.now)->requests == 0);
  CHECK(fixture.table.alive().size() <= TargetTable::kMost);
}

TEST_CASE("targets that are gone are forgotten, and the one used last comes first") {
  TargetTable table;
  const TargetTable::Clock::time_point now{seconds(1000)};
  // A name that looks like the fields which follow it, and which the child inherits.
  char name[16] = "";
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a) R 1 2 3");
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  ::prctl(PR_SET_NAME, name);
  REQUIRE(child > 0);
  CHECK(daemon::start_time_of(child) >= daemon::start_time_of(::getpid()));
  REQUIRE(table.use(::getpid(), now) != nullptr);
  REQUIRE(table.use(child, now) != nullptr);
  REQUIRE(table.alive().size() == 2);
  CHECK(table.alive().front().pid == child);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(daemon::start_time_of(child) == 0);
  REQUIRE(table.alive().size() == 1);
  CHECK(table.alive().front().pid == ::getpid());
  CHECK(table.use(child, now + seconds(1)) == nullptr);
}

}  // namespace
}  // namespace nsenterd::test
