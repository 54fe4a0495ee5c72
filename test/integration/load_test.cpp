// Many events, and embedding programs that meddle with their children.
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// As an embedding program may have it.
class IgnoredChildSignal {
 public:
  IgnoredChildSignal() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignore, &kept_);
  }
  IgnoredChildSignal(const IgnoredChildSignal&) = delete;
  IgnoredChildSignal& operator=(const IgnoredChildSignal&) = delete;
  ~IgnoredChildSignal() { ::sigaction(SIGCHLD, &kept_, nullptr); }

 private:
  struct sigaction kept_ {};
};

/// Resident memory of this process in bytes.
std::int64_t resident_memory() {
  std::istringstream words(read_file("/proc/self/statm"));
  std::int64_t total = 0;
  std::int64_t resident = 0;
  words >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

void run_events(Session& session, const Container& container, int count) {
  for (int i = 0; i < count; ++i) {
    EventParameters parameters = inside(container);
    // Every kind of life: answered, failed, refused, with private mounts, with a second fork.
    if (i % 16 == 0) parameters.clone_flags = CLONE_NEWPID;
    const bool refused = i % 16 == 1;
    const Answer answer = session.ask(
        parameters, refused       ? request::read_file("/x", Through::container, -1)
                    : i % 16 == 2 ? request::lookup("/does/not/exist")
                                  : request::read_file("/proc/sys/net/core/somaxconn", Through::procfs));
    if (answer.outcome != (refused ? "invalid parameter request.payload.offset" : "ok")) FAIL(answer.outcome);
  }
}

}  // namespace

TEST_CASE("Two thousand events leave no descriptor, no process and no memory behind") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const pid_t fork_server = session.fork_server();
  // Allocators and event loop grow to their size first.
  run_events(session, container, 300);
  REQUIRE(session.run_until([] { return agent_processes().size() == 1; }));
  const std::size_t descriptors = open_descriptors();
  const std::size_t servers_descriptors = descriptors_of(fork_server).size();
  const std::int64_t memory = resident_memory();
  run_events(session, container, 2000);
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
  CHECK(agent_processes() == std::vector<pid_t>{fork_server});
  CHECK(open_descriptors() == descriptors);
  CHECK(descriptors_of(fork_server).size() == servers_descriptors);
  if (!kKeepsFreedMemory) CHECK(resident_memory() - memory < 1 << 20);
}

TEST_CASE("Sixty-four events at once are all answered") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const std::string expected = container.output_of({"cat", "/proc/sys/net/core/somaxconn"});
  std::vector<SentEvent> events;
  for (int i = 0; i < 64; ++i) {
    events.push_back(session.make(inside(container), request::read_file("/proc/sys/net/core/somaxconn")));
    session.send(events.back());
  }
  CHECK(session.events_running() == 64);
  for (const auto& event : events) {
    REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
    CHECK(event->sent.value_or("nothing yet") == "ok");
    CHECK(Answer{*event->sent, event->event.response()}.bytes() == expected);
  }
  CHECK(session.events_running() == 0);
}

TEST_CASE(
    "Sixty-four agents are held at once, each a process of its own, and a further event does not wait for "
    "them") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  std::vector<SentEvent> events;
  for (int i = 0; i < 64; ++i) events.push_back(session.hold(inside(container)));
  CHECK(agent_processes().size() == 65);
  for (const auto& event : events)
    CHECK(descriptors_of(event->event.process_id()) == std::vector<int>{0, 1, 2});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
  events.clear();
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
}

TEST_CASE("One event too many is refused at once, and taken again when another has ended") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(3);
  std::vector<SentEvent> events;
  for (int i = 0; i < 3; ++i) events.push_back(session.hold(inside(container)));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "overloaded: events");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500));
  CHECK(session.events_running() == 3);
  CHECK(agent_processes().size() == 4);
  events.pop_back();
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
}

TEST_CASE("Events work in a program that ignores SIGCHLD") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  {
    const IgnoredChildSignal ignored;
    Session session;
    for (int i = 0; i < 100; ++i) {
      EventParameters parameters = inside(container);
      if (i % 4 == 0) parameters.clone_flags = CLONE_NEWPID;
      const Answer answer = session.ask(parameters, request::lookup("/"));
      CHECK(answer.outcome == "ok");
    }
    const auto event = session.hold(inside(container));
    session.terminate(event);
    CHECK(session.run_until([&] { return event->terminated.has_value(); }));
    const auto killed = session.hold(inside(container));
    session.receive(killed);
    ::kill(killed->event.process_id(), SIGKILL);
    CHECK(session.run_until([&] { return killed->received.has_value(); }));
    // How it died is lost with its status.
    CHECK(killed->received.value_or("nothing yet").starts_with("agent "));
  }
  CHECK(agent_processes().empty());
}

TEST_CASE("Events work in a program that waits for any child") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  std::atomic<bool> stop = false;
  std::atomic<int> stolen = 0;
  {
    Session session;
    // Everything but the container's own process, which its destructor waits for, is fair game.
    std::thread thief([&] {
      while (!stop) {
        if (::waitpid(-1, nullptr, WNOHANG) > 0) {
          ++stolen;
        } else {
          std::this_thread::yield();
        }
      }
    });
    for (int i = 0; i < 300; ++i) {
      EventParameters parameters = inside(container);
      if (i % 4 == 0) parameters.clone_flags = CLONE_NEWPID;
      const Answer answer = session.ask(parameters, request::lookup("/"));
      CHECK(answer.outcome == "ok");
    }
    stop = true;
    thief.join();
    CHECK(session.ask(inside(container), request::lookup("/")).outcome == "ok");
  }
  CHECK(stolen > 0);
  CHECK(agent_processes().empty());
}

TEST_CASE("Children of the embedding program are left to it") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  std::vector<pid_t> own;
  {
    Session session;
    for (int i = 0; i < 20; ++i) {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(i);
      own.push_back(child);
      CHECK(session.ask(inside(container), request::lookup("/")).outcome == "ok");
    }
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    int status = 0;
    CHECK(::waitpid(own[i], &status, 0) == own[i]);
    CHECK(WEXITSTATUS(status) == static_cast<int>(i));
  }
}

}  // namespace nsenterd::test
