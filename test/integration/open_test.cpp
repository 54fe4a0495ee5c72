// Opening what an agent is to join: open_namespace(), open_root(), open_cwd().
#include <csignal>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/failure.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/target.hpp>

#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/opened_namespaces.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {

TEST_CASE("Namespaces, root and working directory are opened by number, and of a target") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const TemporaryDirectory outer;
  const ChrootedProcess process(container.pid(), outer / "inner", "/deep");
  const Target target = Target::open(process.pid()).value();
  for (const std::string_view name : kNamespaceNames) {
    const Namespace kind = namespace_from_name(name).value();
    CHECK(inode_of(open_namespace(process.pid(), kind)->get()) == namespace_inode(process.pid(), name));
    CHECK(inode_of(open_namespace(target, kind)->get()) == namespace_inode(process.pid(), name));
  }
  const std::uint64_t root = inode_of(outer / "inner");
  const std::uint64_t directory = inode_of(outer / "inner/deep");
  CHECK(inode_of(open_root(process.pid())->get()) == root);
  CHECK(inode_of(open_root(target)->get()) == root);
  CHECK(inode_of(open_cwd(process.pid())->get()) == directory);
  CHECK(inode_of(open_cwd(target)->get()) == directory);
  const UniqueFd opened = open_root(target).value();
  CHECK((::fcntl(opened.get(), F_GETFL) & O_PATH) != 0);
  CHECK((::fcntl(opened.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("Of a thread they are the thread's own") {
  NSENTERD_NEEDS(missing_root());
  const TemporaryDirectory outer;
  std::promise<pid_t> moved;
  std::promise<void> end;
  std::thread thread([&] {
    const bool done = ::unshare(CLONE_NEWNET | CLONE_FS) == 0 && ::chroot(outer.path().c_str()) == 0;
    moved.set_value(done ? ::gettid() : 0);
    end.get_future().wait();
  });
  const pid_t number = moved.get_future().get();
  CHECK(number > 0);
  const auto network = open_namespace(number, Namespace::net);
  const auto root = open_root(number);
  end.set_value();
  thread.join();
  REQUIRE(network.has_value());
  CHECK(inode_of(network->get()) != namespace_inode(::getpid(), "net"));
  REQUIRE(root.has_value());
  CHECK(inode_of(root->get()) == inode_of(outer.path()));
}

TEST_CASE("Of what is not there, or not to be looked at, nothing is opened") {
  NSENTERD_NEEDS(missing_root());
  const auto failure = [](const auto& result) {
    return result ? std::string("none") : to_string(result.error());
  };
  auto process = std::make_unique<UnsharedProcess>(CLONE_NEWNET);
  const pid_t pid = process->pid();
  const Target target = Target::open(pid).value();
  CHECK(failure(open_namespace(target, Namespace::net)) == "none");
  ::kill(pid, SIGKILL);
  siginfo_t info{};
  // A zombie still has its number.
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  for (const bool reaped : {false, true}) {
    CAPTURE(reaped);
    if (reaped) process.reset();
    CHECK(failure(open_namespace(pid, Namespace::net)) == "no such target");
    CHECK(failure(open_namespace(target, Namespace::net)) == "no such target");
    // A zombie still has this one.
    CHECK(failure(open_namespace(target, Namespace::user)) == "no such target");
    CHECK(failure(open_root(pid)) == "no such target");
    CHECK(failure(open_root(target)) == "no such target");
    CHECK(failure(open_cwd(pid)) == "no such target");
    CHECK(failure(open_cwd(target)) == "no such target");
  }
  for (const pid_t none : {0, -1}) {
    CHECK(failure(open_namespace(none, Namespace::net)) == "invalid parameter pid");
    CHECK(failure(open_root(none)) == "invalid parameter pid");
    CHECK(failure(open_cwd(none)) == "invalid parameter pid");
  }
  const pid_t self = ::getpid();
  const pid_t nobody = ::fork();
  if (nobody == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(10);
    if (failure(open_namespace(self, Namespace::net)) != "open ns/net: permission denied (EACCES)")
      ::_exit(1);
    if (failure(open_root(self)) != "open root: permission denied (EACCES)") ::_exit(2);
    if (failure(open_cwd(self)) != "open cwd: permission denied (EACCES)") ::_exit(3);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(nobody, &status, 0) == nobody);
  CHECK(status == 0);
}

}  // namespace nsenterd::test
