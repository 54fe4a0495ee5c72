// ModuleRunner: many runs on one event loop, cancelled and cut short.
#include "runner.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

TEST_CASE("A run that is cancelled has ended, and its module with it") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const auto running = runner.start(in(container, "die", "hang"));
  REQUIRE(runner.run_until([&] { return runner.agents() == 1; }));
  running->cancel();
  CHECK(runner.finish(*running) == "terminated");
  CHECK(runner.run_until([&] { return runner.agents() == 0; }));
  // Too late for one that is done.
  const auto done = runner.start(in(container, "echo", "x"));
  CHECK(runner.finish(*done) == "ok: x");
  done->cancel();
  CHECK(runner.ask(in(container, "echo", "y")) == "ok: y");
}

TEST_CASE("Runs over the limit are refused at once") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner(2);
  const auto first = runner.start(in(container, "die", "hang"));
  const auto second = runner.start(in(container, "die", "hang"));
  CHECK(runner.ask(in(container, "echo")) == "overloaded: events");
  first->cancel();
  CHECK(runner.finish(*first) == "terminated");
  CHECK(runner.ask(in(container, "echo", "again")) == "ok: again");
}

TEST_CASE("A runner that goes takes everything with it") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const std::size_t descriptors = open_descriptors();
  {
    Runner runner;
    std::vector<std::shared_ptr<Started>> running;
    for (int i = 0; i < 8; ++i) running.push_back(runner.start(in(container, "die", "hang")));
    REQUIRE(runner.run_until([&] { return runner.agents() == 8; }));
    runner.destroy();
    CHECK(runner.agents() == 0);
    CHECK_FALSE(process_exists(runner.fork_server()));
    for (const auto& run : running) CHECK(runner.finish(*run) == "terminated");
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("A runner that goes at once leaves nothing of what its fork server was about to fork") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (int i = 0; i < 100; ++i) {
    Runner runner;
    for (int j = 0; j < 4; ++j) runner.start(in(container, "die", "hang"));
    // Some moment of the forks.
    std::this_thread::sleep_for(std::chrono::microseconds(20 * i));
    runner.destroy();
    REQUIRE(runner.agents() == 0);
  }
}

}  // namespace nsenterd::test
