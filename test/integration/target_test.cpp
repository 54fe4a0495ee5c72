// Targets: held by a pidfd, and what the kernel shows of them.
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/event.hpp>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

bool is_no_such_target(const Result<NamespaceIds>& result) {
  return result.has_error() && std::holds_alternative<NoSuchTarget>(result.error());
}

}  // namespace

TEST_CASE("A target's namespaces are those that the kernel shows for it, and only those asked for") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (const pid_t pid : {container.pid(), ::getpid()}) {
    const Target target = Target::open(pid).value();
    const NamespaceIds all = target.namespaces(Namespaces::all()).value();
    for (const char* name : {"user", "mnt", "uts", "ipc", "pid", "cgroup", "net", "time"}) {
      const auto kind = namespace_from_name(name).value();
      CHECK(all[kind] == namespace_inode(pid, name));
      NamespaceIds one;
      one[kind] = all[kind];
      CHECK(target.namespaces({kind}).value() == one);
    }
    CHECK(target.namespaces({}).value() == NamespaceIds());
  }
}

TEST_CASE("A target that has ended is in no namespaces, whoever has its number") {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const Target looked_up = Target::open(child).value();
  CHECK(looked_up.namespaces({Namespace::net}).has_value());
  const Target new_one = Target::open(child).value();
  CHECK_FALSE(looked_up.has_ended());
  ::kill(child, SIGKILL);
  siginfo_t info{};
  // A zombie still has its number.
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  for (const Target& target : {looked_up, new_one}) {
    CHECK(target.has_ended());
    CHECK(is_no_such_target(target.namespaces({Namespace::net})));
  }
  ::waitpid(child, nullptr, 0);
  for (const Target& target : {looked_up, new_one}) {
    CHECK(is_no_such_target(target.namespaces({Namespace::net})));
    CHECK(is_no_such_target(target.namespaces({Namespace::pid})));
  }
}

}  // namespace nsenterd::test
