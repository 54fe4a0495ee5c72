// Modules that fail in every way: the caller is told, in time; the program, its fork server and all others go on.
#include <chrono>
#include <csignal>
#include <string>

#include "runner.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// What has to be as before when a module has failed.
class Unharmed {
 public:
  Unharmed() : descriptors_(open_descriptors()) {}

  void check(Runner& runner, const Container& container) const {
    CHECK(runner.ask(in(container, "echo", "next")) == "ok: next");
    CHECK(runner.run_until([&] { return runner.agents() == 0 && runner.runs() == 0; }));
    CHECK(process_exists(runner.fork_server()));
    CHECK(runner.run_until([&] { return open_descriptors() == descriptors_; }));
  }

 private:
  std::size_t descriptors_;
};

}  // namespace

TEST_CASE("What a module throws, its caller is told") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  CHECK(runner.ask(in(container, "throw", "errno")) == "module failed: here: No space left on device");
  CHECK(runner.ask(in(container, "throw", "text")) == "module failed: no good");
  CHECK(runner.ask(in(container, "throw", "long text")) == "module failed: " + std::string(4096, 'e'));
  CHECK(runner.ask(in(container, "throw", "a number")) ==
        "module failed: threw something that is no exception");
  CHECK(runner.ask(in(container, "sum", "[1, 2")).starts_with("module failed: the argument is no JSON: "));
  CHECK(runner.ask(in(container, "sum", "[1, 2]")) == "ok: 3");
  before.check(runner, container);
  const auto failed = run(in(container, "throw", "errno"));
  REQUIRE(failed.has_error());
  CHECK(std::get<ModuleFailed>(failed.error()).error == ENOSPC);
}

TEST_CASE("A module that crashes, exits or is killed is told as that") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  // A sanitizer makes an exit of its own of it.
  const std::string crashed = runner.ask(in(container, "die", "crash"));
  CHECK(
      (crashed == "agent killed by signal 11" || (kKeepsFreedMemory && crashed.starts_with("agent exited"))));
  CHECK(runner.ask(in(container, "die", "abort")) == "agent killed by signal 6");
  CHECK(runner.ask(in(container, "die", "exit")) == "agent exited with status 3");
  before.check(runner, container);
}

TEST_CASE("A module that hangs is killed at its deadline, and delays no other") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  ModuleRun run = in(container, "die", "hang");
  run.timeout = std::chrono::milliseconds(300);
  const auto hanging = runner.start(run);
  CHECK(runner.ask(in(container, "echo", "meanwhile")) == "ok: meanwhile");
  CHECK_FALSE(hanging->outcome.has_value());
  CHECK(runner.finish(*hanging) == "timed out");
  before.check(runner, container);
}

TEST_CASE("What a module prints does not disturb its result") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  CHECK(runner.ask(in(container, "print", "a line of garbage")) == "ok: printed");
}

TEST_CASE("A module that sends garbage to its program is told as that") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  for (const char* how : {"noise", "endless", "longer than allowed", "empty failure"}) {
    CAPTURE(how);
    ModuleRun run = in(container, "misbehave", how);
    run.max_result = 1000;
    CHECK(runner.ask(run) == "module failed: what it sent is no result");
  }
  CHECK(runner.ask(in(container, "misbehave", "half a frame")) == "agent exited with status 0");
  for (const char* how : {"forked", "started for ever", "forked for ever"}) {
    CAPTURE(how);
    CHECK(runner.ask(in(container, "misbehave", how)) == "agent died");
  }
  const std::string cut = runner.ask(in(container, "misbehave", "many descriptors"));
  CHECK(cut != "ok: x");
  before.check(runner, container);
}

TEST_CASE("A result that is too long is an error, and one that is as long as allowed is none") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  CHECK(runner.ask(in(container, "repeat", std::to_string(64 << 20))) ==
        "module failed: the result has 67108864 bytes, more than 16777216");
  ModuleRun run = in(container, "repeat", std::to_string(64 << 20));
  run.max_result = 64 << 20;
  CHECK(runner.ask(run).size() == (64 << 20) + 4);
  run.argument = "11";
  run.max_result = 10;
  CHECK(runner.ask(run) == "module failed: the result has 11 bytes, more than 10");
  run.argument = "10";
  CHECK(runner.ask(run) == "ok: rrrrrrrrrr");
  CHECK(runner.ask(in(container, "send no descriptor")) ==
        "module failed: the result has a descriptor that is not open");
  CHECK(runner.ask(in(container, "send many descriptors")) ==
        "module failed: the result has too many descriptors");
  before.check(runner, container);
}

TEST_CASE("A module that allocates without end is stopped at its limit") {
  NSENTERD_NEEDS(missing_for_containers());
  // With a sanitizer a module has no limit.
  if (kKeepsFreedMemory) return;
  const UnshareContainer container;
  Runner runner;
  const Unharmed before;
  ModuleRun run = in(container, "allocate");
  run.memory = 64 << 20;
  CHECK(runner.ask(run) == "module failed: out of memory");
  before.check(runner, container);
}

TEST_CASE("What a module leaves running ends with it") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const std::string left = runner.ask(in(container, "leave child"));
  REQUIRE(left.starts_with("ok: "));
  // Process 1 of the container is the parent of what is left, and need not reap it: dead it is all the same.
  const std::string status = "/proc/" + left.substr(4) + "/status";
  CHECK(runner.run_until([&] {
    const auto shown =
        container.exec({"sh", "-c", "grep State " + status + " 2>/dev/null || echo gone"}).output;
    return shown.find("gone") != std::string::npos || shown.find("Z") != std::string::npos;
  }));
}

TEST_CASE("A fork server that is killed is replaced") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  REQUIRE(runner.ask(in(container, "echo", "x")) == "ok: x");
  ::kill(runner.fork_server(), SIGKILL);
  CHECK(runner.run_until([&] { return runner.ask(in(container, "echo", "y")) == "ok: y"; }));
}

}  // namespace nsenterd::test
