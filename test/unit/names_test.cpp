// base/errno_name, nsjoin/step, nsjoin/join_plan, the namespace sets and the failures as text.
#include <cerrno>
#include <csignal>
#include <fstream>
#include <set>
#include <string>

#include <sched.h>

#include <nsenterd/failure.hpp>
#include <nsenterd/namespaces.hpp>

#include "base/errno_name.hpp"
#include "nsjoin/join_plan.hpp"
#include "nsjoin/namespace_table.hpp"
#include "nsjoin/step.hpp"
#include "support/catch.hpp"

using nsenterd::Failure;
using nsenterd::Namespace;
using nsenterd::namespace_from_name;
using nsenterd::Namespaces;
using nsenterd::base::errno_name;
using nsenterd::base::errno_text;
using nsenterd::nsjoin::JoinPlan;
using nsenterd::nsjoin::Step;
using nsenterd::nsjoin::step_name;
using nsenterd::nsjoin::StepFailure;

TEST_CASE("The text of every errno is Go's") {
  std::ifstream table(NSENTERD_TEST_DATA "/go-errors.txt");
  int number = 0;
  int rows = 0;
  for (std::string text; table >> number && std::getline(table >> std::ws, text); ++rows) {
    CAPTURE(number);
    CHECK(errno_text(number) == text);
  }
  CHECK(rows == 130);
  CHECK(errno_text(4095) == "errno 4095");
}

TEST_CASE("An errno has its name, and a number where there is none") {
  CHECK(errno_name(ENOENT) == "ENOENT");
  CHECK(errno_name(EPERM) == "EPERM");
  CHECK(errno_name(EAGAIN) == "EAGAIN");
  CHECK(errno_name(EOPNOTSUPP) == "EOPNOTSUPP");
  CHECK(errno_name(4095) == "E4095");
}

TEST_CASE("A namespace's name stands for the kernel's flag") {
  CHECK(namespace_from_name("user") == Namespace::user);
  CHECK(namespace_from_name("mnt") == Namespace::mnt);
  CHECK(namespace_from_name("uts") == Namespace::uts);
  CHECK(namespace_from_name("ipc") == Namespace::ipc);
  CHECK(namespace_from_name("pid") == Namespace::pid);
  CHECK(namespace_from_name("cgroup") == Namespace::cgroup);
  CHECK(namespace_from_name("net") == Namespace::net);
  CHECK(namespace_from_name("time") == Namespace::time);
  for (const char* name : {"", "mount", "Mnt", "mnt ", "network", "pid_for_children", "all"}) {
    CHECK_FALSE(namespace_from_name(name));
  }
  CHECK(static_cast<unsigned>(Namespace::mnt) == CLONE_NEWNS);
  CHECK(static_cast<unsigned>(Namespace::time) == 0x80);
}

TEST_CASE("A set of namespaces is the set of its flags") {
  const Namespaces all = Namespaces::all();
  CHECK(all.flags() == (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
                        CLONE_NEWCGROUP | CLONE_NEWNET | 0x80));
  CHECK(all.names() == "user,mnt,uts,ipc,pid,cgroup,net,time");
  CHECK(Namespaces{Namespace::pid, Namespace::user}.names() == "user,pid");
  CHECK(Namespaces().names().empty());
  CHECK(Namespaces().empty());
  CHECK(Namespaces::from_flags(all.flags()) == all);
  CHECK(Namespaces::from_flags(0) == Namespaces());
  CHECK_FALSE(Namespaces::from_flags(CLONE_VM));
  CHECK_FALSE(Namespaces::from_flags(CLONE_NEWNET | CLONE_FILES));
  CHECK_FALSE(Namespaces::from_flags(SIGCHLD));
  CHECK_FALSE(Namespaces::from_flags(std::uint64_t{1} << 32U));
  CHECK_FALSE(Namespaces::from_flags(~std::uint64_t{0}));
  Namespaces set = all;
  set.erase(Namespace::net);
  CHECK_FALSE(set.contains(Namespace::net));
  CHECK(set.contains(Namespace::user));
  set.insert(Namespace::net);
  CHECK(set == all);
}

TEST_CASE("Every step of a join has a name of its own") {
  std::set<std::string> names;
  const auto last = static_cast<std::uint32_t>(Step::set_parent_death_signal);
  for (std::uint32_t step = 0; step <= last; ++step) names.insert(step_name({static_cast<Step>(step), 0, 0}));
  CHECK(names.size() == last + 1);
  CHECK(names.count("unknown step") == 0);
  CHECK(step_name({Step::setns, CLONE_NEWUSER, EPERM}) == "setns user");
  CHECK(step_name({Step::unshare, CLONE_NEWNS | CLONE_NEWNET, EPERM}) == "unshare mnt,net");
  CHECK(step_name({static_cast<Step>(last + 1), 0, 0}) == "unknown step");
}

TEST_CASE("A plan says how many forks it takes") {
  using nsenterd::nsjoin::joins_pid_late;
  using nsenterd::nsjoin::later_forks;
  const auto forks = [](std::uint32_t join, std::uint32_t create) {
    return later_forks(JoinPlan{.join = join, .create = create});
  };
  CHECK(forks(0, 0) == 0);
  CHECK(forks(CLONE_NEWPID | CLONE_NEWUSER, 0) == 0);
  CHECK(forks(0, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0);
  CHECK(forks(0, CLONE_NEWPID) == 1);
  CHECK(forks(0, CLONE_NEWPID | CLONE_NEWTIME) == 1);
  CHECK(forks(CLONE_NEWPID, CLONE_NEWUSER) == 1);
  CHECK(forks(CLONE_NEWPID, CLONE_NEWUSER | CLONE_NEWTIME) == 2);
  CHECK(joins_pid_late(JoinPlan{.join = CLONE_NEWPID, .create = CLONE_NEWUSER}));
  CHECK_FALSE(joins_pid_late(JoinPlan{.join = CLONE_NEWPID | CLONE_NEWUSER, .create = CLONE_NEWNS}));
}

TEST_CASE("A failure reads as one line") {
  CHECK(to_string(Failure(nsenterd::InvalidParameter{"request.payload.offset"})) ==
        "invalid parameter request.payload.offset");
  CHECK(to_string(Failure(nsenterd::NoSuchTarget{})) == "no such target");
  CHECK(to_string(Failure(nsenterd::JoinFailed{"setns user", EPERM})) ==
        "setns user: operation not permitted (EPERM)");
  CHECK(to_string(Failure(nsenterd::TimedOut{})) == "timed out");
  CHECK(to_string(Failure(nsenterd::AgentDied{9, {}})) == "agent killed by signal 9");
  CHECK(to_string(Failure(nsenterd::AgentDied{{}, 3})) == "agent exited with status 3");
  CHECK(to_string(Failure(nsenterd::AgentDied{})) == "agent died");
  CHECK(to_string(Failure(nsenterd::Terminated{})) == "terminated");
  CHECK(to_string(Failure(nsenterd::Overloaded{"events"})) == "overloaded: events");
}
