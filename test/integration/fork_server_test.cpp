// The fork server ends, or does not answer: it is replaced, and nothing is left of what it was doing.
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

/// A new fork server may have to be started first.
constexpr std::chrono::seconds kReplacement{20};

}  // namespace

TEST_CASE("A fork server that is stopped is replaced, and what it was asked for fails") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const std::size_t descriptors = open_descriptors();
  const pid_t first = session.fork_server();
  const auto running = session.hold(inside(container));
  ::kill(first, SIGSTOP);
  std::vector<SentEvent> events;
  for (int i = 0; i < 4; ++i) {
    events.push_back(session.make(inside(container), request::sleep_for(0)));
    session.send(events.back());
  }
  for (const auto& event : events) {
    REQUIRE(session.run_until([&] { return event->sent.has_value(); }, std::chrono::seconds(5)));
    CHECK(*event->sent == "fork: connection timed out (ETIMEDOUT)");
  }
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(session.run_until([&] { return !process_exists(first); }));
  CHECK_FALSE(running->received.has_value());
  CHECK(process_exists(running->event.process_id()));
  session.terminate(running);
  REQUIRE(session.run_until([&] { return running->terminated.has_value(); }));
  CHECK(settles(session, kReplacement));
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("A fork server that is killed between a fork and the report of it leaves no dead child") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const std::size_t descriptors = open_descriptors();
  int failed = 0;
  for (int round = 0; round < 60; ++round) {
    REQUIRE(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
    const auto servers = agent_processes();
    std::vector<SentEvent> events;
    for (int i = 0; i < 10; ++i) {
      events.push_back(session.make(inside(container), request::sleep_for(0)));
      session.send(events.back());
    }
    // Somewhere in the midst of its work.
    std::this_thread::sleep_for(std::chrono::microseconds(round * 15));
    ::kill(servers.at(0), SIGKILL);
    for (const auto& event : events) {
      REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
      if (*event->sent != "ok") ++failed;
    }
    // The next is started when it is needed.
    CHECK(session.run_until([&] { return agent_processes().empty(); }, std::chrono::seconds(2)));
  }
  REQUIRE(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(settles(session, kReplacement));
  CHECK(failed > 10);
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("An agent whose pidfd finds no place is reaped, and only its event fails") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const pid_t server = session.fork_server();
  const std::size_t descriptors = open_descriptors();
  const auto event = session.make(inside(container), request::sleep_for(0));
  session.send(event);
  // What has been sent is under way; the reply finds a process that may open nothing more.
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const bool done = session.run_until([&] { return event->sent.has_value(); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE(done);
  CHECK(*event->sent == "fork: too many open files (EMFILE)");
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(session.fork_server() == server);
  CHECK(process_exists(server));
  CHECK(settles(session, kReplacement));
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("When the fork server is killed, running events go on and later ones work again") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  EventParameters parameters = inside(container);
  parameters.async = true;
  const auto running = session.make(parameters, request::sleep_for(1));
  session.send(running);
  REQUIRE(session.run_until([&] { return running->sent.has_value(); }));
  const pid_t first = session.fork_server();
  ::kill(first, SIGKILL);
  // Before the loop has noticed: fails cleanly or works, never hangs.
  const Answer at_once = session.ask(inside(container), request::sleep_for(0));
  CHECK((at_once.outcome == "ok" || at_once.outcome.starts_with("fork: ")));
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(session.run_until([&] { return !process_exists(first); }));
  session.receive(running);
  REQUIRE(session.run_until([&] { return running->received.has_value(); }));
  CHECK(running->received.value_or("nothing yet") == "ok");
  CHECK(settles(session, kReplacement));
}

TEST_CASE(
    "When the fork server is killed with requests in its queue, these fail and nothing is left of them") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const std::size_t descriptors = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
    const pid_t server = agent_processes().at(0);
    ::kill(server, SIGSTOP);
    std::vector<SentEvent> events;
    for (int i = 0; i < 8; ++i) {
      events.push_back(session.make(inside(container), request::sleep_for(0)));
      session.send(events.back());
    }
    session.run_for(milliseconds(10));
    ::kill(server, SIGKILL);
    for (const auto& event : events) {
      REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
      CHECK(event->sent->starts_with("fork: "));
    }
  }
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(settles(session, kReplacement));
  CHECK(open_descriptors() == descriptors);
}

}  // namespace nsenterd::test
