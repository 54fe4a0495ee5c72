// run(): from any thread, with descriptors both ways.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// How many descriptors are open when no module runs: a process's own go when it has been reaped, in the thread that run() makes.
std::size_t descriptors_at_rest() {
  REQUIRE(wait_until([] { return own_children_named("nsenter-agent").size() == 1; }));
  std::size_t open = open_descriptors();
  REQUIRE(wait_until([&] {
    const std::size_t before = open;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    open = open_descriptors();
    return open == before;
  }));
  return open;
}

}  // namespace

TEST_CASE("run() serves many threads at once, whichever of them came first and whichever ends") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  // The first one ends before the others begin.
  std::thread([&] { CHECK(outcome_of(in(container, "echo", "first")) == "ok: first"); }).join();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 16; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 20; ++round) {
        const std::string argument = std::to_string(thread) + '/' + std::to_string(round);
        if (outcome_of(in(container, "echo", argument)) == "ok: " + argument) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 16 * 20);
  CHECK(wait_until([] { return own_children_named("nsenter-agent").size() == 1; }));
}

TEST_CASE("The thread that run() makes takes none of the program's signals") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  REQUIRE(outcome_of(in(container, "echo")) == "ok: ");
  int others = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const pid_t thread = std::stoi(task.path().filename());
    const std::uint64_t blocked = std::stoull(status_field(thread, "SigBlk"), nullptr, 16);
    if (thread == ::getpid()) {
      CHECK(blocked == 0);
      continue;
    }
    ++others;
    CHECK((blocked >> (SIGTERM - 1) & 1) == 1);
    CHECK((blocked >> (SIGCHLD - 1) & 1) == 1);
  }
  CHECK(others == 1);
}

TEST_CASE("Descriptors go to a module and come back") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  REQUIRE(outcome_of(in(container, "echo")) == "ok: ");
  const std::size_t descriptors = descriptors_at_rest();
  {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    REQUIRE(::write(write_end.get(), "through a pipe", 14) == 14);
    ModuleRun run = in(container, "exchange", "came ");
    run.descriptors.assign(kMaxModuleDescriptors, read_end.get());
    const auto result = nsenterd::run(run);
    REQUIRE(outcome_of(result) == "ok: came through a pipe");
    CHECK(result->descriptors.size() == kMaxModuleDescriptors);
    REQUIRE(::write(write_end.get(), "and back", 8) == 8);
    std::array<char, 8> text{};
    CHECK(::read(result->descriptors.back().get(), text.data(), text.size()) == 8);
    CHECK((::fcntl(result->descriptors.back().get(), F_GETFD) & FD_CLOEXEC) != 0);

    const auto opened = nsenterd::run(in(container, "open", "/etc"));
    REQUIRE(opened.has_value());
    struct stat inside {};
    struct stat outside {};
    REQUIRE(::fstat(opened->descriptors.at(0).get(), &inside) == 0);
    REQUIRE(::stat((container.root() / "etc").c_str(), &outside) == 0);
    CHECK(inside.st_ino == outside.st_ino);
  }
  CHECK(descriptors_at_rest() == descriptors);
}

TEST_CASE("An argument and a result of 16 MiB arrive whole") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  std::string argument(16 << 20, 'a');
  for (std::size_t i = 0; i < argument.size(); i += 4099) argument[i] = static_cast<char>(i);
  const auto result = nsenterd::run(in(container, "echo", argument));
  REQUIRE(result.has_value());
  CHECK(result->bytes == argument);
}

TEST_CASE("A module is registered once, and in time") {
  CHECK_THROWS_AS(register_module("late", [](const std::string& argument) { return argument; }),
                  std::logic_error);
}

TEST_CASE("A program that forgets init() is told so, instead of doing its work inside") {
  const char* const program = std::getenv("NO_INIT");
  REQUIRE(program != nullptr);
  CHECK(output_of({program}) == "invalid parameter init\n");
}

}  // namespace nsenterd::test
