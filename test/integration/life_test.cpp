// How events end: answered, timed out, terminated, or with somebody's death.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>

#include <sched.h>
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

using std::chrono::milliseconds;

EventParameters outside() {
  return {.target = ::getpid()};
}

/// A child that waits to be killed.
pid_t fork_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

void kill_and_wait(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_CASE("An asynchronous event is sent when its agent runs, and received when it has answered") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  EventParameters parameters = inside(container);
  parameters.async = true;
  const auto event = session.make(parameters, request::sleep_for(1));
  CHECK(event->event.process_id() == 0);
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  CHECK(event->sent.value_or("nothing yet") == "ok");
  CHECK(process_name(event->event.process_id()) == "nsenter-agent");
  CHECK(session.events_running() == 1);
  session.receive(event);
  session.run_for(milliseconds(50));
  CHECK_FALSE(event->received);
  REQUIRE(session.run_until([&] { return event->received.has_value(); }));
  CHECK(event->received.value_or("nothing yet") == "ok");
  CHECK(event->event.response().type == "sleepResponse");
  CHECK(session.events_running() == 0);
  // Any number may ask, also afterwards.
  event->received.reset();
  session.receive(event);
  REQUIRE(session.run_until([&] { return event->received.has_value(); }));
  CHECK(event->received.value_or("nothing yet") == "ok");
  CHECK(settles(session));
}

TEST_CASE("An event that takes too long times out, and its agent is gone") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  for (const bool async : {false, true}) {
    CAPTURE(async);
    EventParameters parameters = inside(container);
    parameters.timeout = milliseconds(200);
    parameters.async = async;
    const auto begin = std::chrono::steady_clock::now();
    const auto event = session.make(parameters, request::sleep_for(30));
    session.send(event);
    session.receive(event);
    REQUIRE(session.run_until([&] { return event->sent && event->received; }));
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(event->sent.value_or("nothing yet") == (async ? "ok" : "timed out"));
    CHECK(event->received.value_or("nothing yet") == "timed out");
    CHECK(took >= milliseconds(200));
    CHECK(took < milliseconds(1500));
    CHECK(settles(session));
    CHECK_FALSE(process_exists(event->event.process_id()));
  }
}

TEST_CASE("A stopped agent and one that is stopped while it starts time out as well") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  EventParameters parameters = inside(container);
  parameters.timeout = milliseconds(500);
  parameters.async = true;
  const auto event = session.make(parameters, request::sleep_for(0));
  ::kill(session.fork_server(), SIGSTOP);
  session.send(event);
  session.receive(event);
  REQUIRE(session.run_until([&] { return event->received.has_value(); }));
  CHECK(event->received.value_or("nothing yet") == "timed out");
  ::kill(session.fork_server(), SIGCONT);
  // What the fork server still makes for it is killed as soon as it is heard of.
  CHECK(settles(session));
  CHECK(session.ask(inside(container), request::sleep_for(0)).outcome == "ok");
  const auto held = session.hold(inside(container));
  ::kill(held->event.process_id(), SIGSTOP);
  session.terminate(held);
  REQUIRE(session.run_until([&] { return held->terminated.has_value(); }));
  CHECK_FALSE(process_exists(held->event.process_id()));
}

TEST_CASE("Terminating an event before it is sent does nothing") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event = session.make(inside(container), request::sleep_for(0));
  session.terminate(event);
  REQUIRE(session.run_until([&] { return event->terminated.has_value(); }));
  CHECK(event->terminated.value_or("nothing yet") == "ok");
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  CHECK(event->sent.value_or("nothing yet") == "ok");
}

TEST_CASE("Terminating an event while it runs ends it, and its agent is gone when that is done") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event = session.hold(inside(container));
  const pid_t agent = event->event.process_id();
  session.receive(event);
  session.terminate(event);
  REQUIRE(session.run_until([&] { return event->terminated.has_value(); }));
  CHECK(event->terminated.value_or("nothing yet") == "ok");
  CHECK_FALSE(process_exists(agent));
  REQUIRE(session.run_until([&] { return event->received.has_value(); }));
  CHECK(event->received.value_or("nothing yet") == "terminated");
  CHECK(session.events_running() == 0);
  CHECK(settles(session));
}

namespace {

/// Terminates events at moments from at once to when they have long been running.
void terminate_early(std::uint64_t created) {
  const UnshareContainer container;
  Session session;
  const std::size_t descriptors = open_descriptors();
  for (int i = 0; i < 40; ++i) {
    EventParameters parameters = inside(container);
    parameters.clone_flags = created;
    const auto event = session.make(parameters, request::sleep_for(30));
    session.send(event);
    session.run_for(milliseconds(i / 8));
    session.terminate(event);
    REQUIRE(session.run_until([&] { return event->sent && event->terminated; }));
    CHECK(event->sent.value_or("nothing yet") == "terminated");
    CHECK(event->terminated.value_or("nothing yet") == "ok");
  }
  CHECK(settles(session));
  CHECK(open_descriptors() == descriptors);
}

}  // namespace

TEST_CASE("Terminating an event just after it is sent leaves nothing, whatever it has come to") {
  NSENTERD_NEEDS(missing_for_containers());
  terminate_early(0);
}

TEST_CASE(
    "Terminating an event just after it is sent leaves nothing, also when its agent takes several forks") {
  NSENTERD_NEEDS(missing_for_containers());
  terminate_early(CLONE_NEWPID);
  terminate_early(Namespaces::all().flags());
}

TEST_CASE("An agent that takes several forks answers as reliably as any other") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  EventParameters parameters = inside(container);
  for (const std::uint64_t created :
       {std::uint64_t{CLONE_NEWPID}, std::uint64_t{Namespaces::all().flags()}}) {
    parameters.clone_flags = created;
    for (int i = 0; i < 200; ++i) CHECK(session.ask(parameters, request::lookup("/")).outcome == "ok");
  }
  CHECK(settles(session));
}

TEST_CASE("Agents that are killed while they fork leave no dead child behind") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const pid_t test = ::getpid();
  const auto before = agent_processes();
  const pid_t killer = ::fork();
  if (killer == 0) {
    // As a process of the container could: the moment the agent's child is there, which has the next number mostly.
    for (;;) {
      for (const pid_t pid : children_of(test)) {
        if (pid == before.front() || process_name(pid) != "nsenter-agent") continue;
        while (::kill(pid, 0) == 0 && ::kill(pid + 1, 0) != 0) {
        }
        ::kill(pid, SIGKILL);
      }
    }
  }
  int died = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (died < 10 && std::chrono::steady_clock::now() < deadline) {
    EventParameters parameters = inside(container);
    parameters.clone_flags = CLONE_NEWPID;
    if (session.ask(parameters, request::sleep_for(0)).outcome != "ok") ++died;
  }
  ::kill(killer, SIGKILL);
  ::waitpid(killer, nullptr, 0);
  REQUIRE(died > 0);
  const bool gone = session.run_until([&] { return agent_processes().size() == 1; }, std::chrono::seconds(2));
  for (const pid_t pid : agent_processes())
    UNSCOPED_INFO(read_file(proc_path(pid, "status")) + read_file(proc_path(pid, "stat")));
  CHECK(gone);
}

TEST_CASE("Terminating an event that has ended changes nothing") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event = session.make(inside(container), request::read_file("/proc/sys/kernel/ostype"));
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  session.terminate(event);
  session.receive(event);
  REQUIRE(session.run_until([&] { return event->terminated && event->received; }));
  CHECK(event->terminated.value_or("nothing yet") == "ok");
  CHECK(event->received.value_or("nothing yet") == "ok");
  CHECK(event->event.response().type == "readFileResponse");
}

TEST_CASE("An event is sent once, and received only when it has been sent") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const auto event = session.make(outside(), request::sleep_for(0));
  session.receive(event);
  REQUIRE(session.run_until([&] { return event->received.has_value(); }));
  CHECK(event->received.value_or("nothing yet") == "invalid parameter event");
  session.send(event);
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  event->sent.reset();
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  event->sent.reset();
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  CHECK(settles(session));
}

TEST_CASE("Destroying an event terminates it") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  auto event = session.hold(inside(container));
  const pid_t agent = event->event.process_id();
  event.reset();
  CHECK(session.run_until([&] { return !process_exists(agent); }, std::chrono::seconds(1)));
  auto starting = session.make(inside(container), request::sleep_for(30));
  session.send(starting);
  starting.reset();
  CHECK(session.events_running() == 0);
  session.run_for(milliseconds(50));
  CHECK(settles(session));
}

TEST_CASE("Destroying the service terminates its events and leaves no process and no descriptor") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const std::size_t descriptors = open_descriptors();
  {
    Session session;
    const auto running = session.hold(inside(container));
    const auto forked = session.hold({.target = container.pid(), .clone_flags = CLONE_NEWPID});
    const auto received = session.hold(inside(container));
    session.receive(received);
    const auto starting = session.make(inside(container), request::sleep_for(30));
    session.send(starting);
    const auto unsent = session.make(inside(container), request::sleep_for(30));
    CHECK(session.events_running() == 4);
    session.destroy_service();
    CHECK(agent_processes().empty());
    REQUIRE(session.run_until([&] { return starting->sent && received->received; }));
    CHECK(starting->sent.value_or("nothing yet") == "terminated");
    CHECK(received->received.value_or("nothing yet") == "terminated");
  }
  CHECK(agent_processes().empty());
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("An agent that is killed is reported with its signal") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  for (const std::uint64_t created : {std::uint64_t{0}, std::uint64_t{CLONE_NEWPID}}) {
    CAPTURE(created);
    EventParameters parameters = inside(container);
    parameters.clone_flags = created;
    const auto event = session.hold(parameters);
    session.receive(event);
    ::kill(event->event.process_id(), SIGKILL);
    REQUIRE(session.run_until([&] { return event->received.has_value(); }));
    CHECK(event->received.value_or("nothing yet") == "agent killed by signal 9");
    CHECK(settles(session));
  }
}

TEST_CASE("An event for a process that is not there finds no target") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const pid_t gone = fork_sleeper();
  kill_and_wait(gone);
  for (const Namespaces joined : {Namespaces(), Namespaces::all(), Namespaces{Namespace::net}}) {
    CHECK(session.ask({.target = gone, .namespaces = joined}, request::sleep_for(0)).outcome ==
          "no such target");
  }
  CHECK(session.ask({.target = 0}, request::sleep_for(0)).outcome == "invalid parameter pid");
  CHECK(session.ask({.target = -1}, request::sleep_for(0)).outcome == "invalid parameter pid");
  CHECK(settles(session));
}

TEST_CASE("An event for a process that ended after it was pinned finds no target, dead or waited for") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const pid_t pid = fork_sleeper();
  const Target target = Target::open(pid).value();
  CHECK(target.pid() == pid);
  ::kill(pid, SIGKILL);
  REQUIRE(wait_until([&] { return status_field(pid, "State").starts_with("Z"); }));
  for (const bool waited_for : {false, true}) {
    CAPTURE(waited_for);
    if (waited_for) ::waitpid(pid, nullptr, 0);
    for (const Namespaces joined :
         {Namespaces::all(), Namespaces{Namespace::net}, Namespaces{Namespace::pid, Namespace::mnt},
          Namespaces{Namespace::user}}) {
      INFO("joined: " << joined.names());
      CHECK(session.ask({.target = target, .namespaces = joined}, request::sleep_for(0)).outcome ==
            "no such target");
    }
  }
  CHECK(settles(session));
}

TEST_CASE("A target is pinned by pid or by pidfd") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const Target by_pid = Target::open(container.pid()).value();
  const Target by_pidfd = Target::from_pidfd(by_pid.pidfd()).value();
  CHECK(by_pidfd.pid() == container.pid());
  CHECK(by_pidfd.pidfd() != by_pid.pidfd());
  const auto event = session.hold({.target = by_pidfd, .namespaces = Namespaces::all()});
  CHECK(namespace_inode(event->event.process_id(), "net") == namespace_inode(container.pid(), "net"));
  CHECK(to_string(Target::from_pidfd(0).error()) == "invalid parameter pidfd");
  CHECK(to_string(Target::from_pidfd(-1).error()) == "invalid parameter pidfd");
  CHECK(to_string(Target::open(1 << 30).error()) == "no such target");
}

TEST_CASE("When a container ends, the events within end too") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  SentEvent within;
  SentEvent beside;
  {
    const UnshareContainer container;
    within = session.hold(inside(container));
    beside = session.hold({.target = container.pid(), .namespaces = {Namespace::net}});
    session.receive(within);
    session.receive(beside);
    // Its end waits until the agent has been reaped, so the loop has to run meanwhile.
    ::kill(container.pid(), SIGKILL);
    REQUIRE(session.run_until([&] { return within->received.has_value(); }));
  }
  CHECK(within->received.value_or("nothing yet") == "agent killed by signal 9");
  // An agent outside the container's pid namespace outlives it.
  session.run_for(milliseconds(50));
  CHECK_FALSE(beside->received);
  CHECK(process_exists(beside->event.process_id()));
}

TEST_CASE("What cannot be run is refused before anything is started") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto outcome = [&](Message request) {
    return session.ask(inside(container), std::move(request)).outcome;
  };
  CHECK(outcome({"noSuchRequest", nullptr}) == "invalid parameter request.message");
  CHECK(outcome({"", nullptr}) == "invalid parameter request.message");
  CHECK(outcome({"readFileResponse", ""}) == "invalid parameter request.message");
  CHECK(outcome(request::read_file("/x", Through::container, -1)) ==
        "invalid parameter request.payload.offset");
  CHECK(outcome({"readFileRequest", {{"file", "/x"}, {"len", 1}}}) ==
        "invalid parameter request.payload.offset");
  CHECK(outcome({"readFileRequest", nullptr}) == "invalid parameter request.payload");
  CHECK(outcome({"sleepRequest", {{"attr", 1}}}) == "invalid parameter request.payload.attr");
  for (const std::uint64_t flags : {std::uint64_t{CLONE_VM}, std::uint64_t{CLONE_PARENT | CLONE_NEWNET},
                                    std::uint64_t{SIGCHLD}, std::uint64_t{1} << 33U, ~std::uint64_t{0}}) {
    EventParameters parameters = inside(container);
    parameters.clone_flags = flags;
    CHECK(session.ask(parameters, request::sleep_for(0)).outcome == "invalid parameter cloneFlags");
  }
  for (const int timeout : {0, -1}) {
    EventParameters parameters = inside(container);
    parameters.timeout = milliseconds(timeout);
    CHECK(session.ask(parameters, request::sleep_for(0)).outcome == "invalid parameter timeoutMilliseconds");
  }
  CHECK(agent_processes().size() == 1);
  CHECK(session.events_running() == 0);
}

TEST_CASE("A failed event leaves its response as it was given") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const auto event = session.make(outside(), {"noSuchRequest", nullptr});
  event->event.set_response({"mine", 1});
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  CHECK(event->event.response().type == "mine");
  event->event.set_request(request::sleep_for(0));
  CHECK(event->event.request().type == "sleepRequest");
}

TEST_CASE("A service without its agent says what is missing") {
  NSENTERD_NEEDS(missing_root());
  const char* agent = std::getenv("NSENTER_AGENT");
  REQUIRE(agent != nullptr);
  const std::string kept = agent;
  const std::pair<const char*, const char*> cases[] = {
      {"/does/not/exist", "load agent: open: no such file or directory (ENOENT)"},
      {"/", "load agent: open: permission denied (EACCES)"},
      {"/etc/passwd", "fork server: start: exec format error (ENOEXEC)"},
  };
  const std::size_t descriptors = open_descriptors();
  for (const auto& [path, text] : cases) {
    ::setenv("NSENTER_AGENT", path, 1);
    std::string failure;
    try {
      const Session session;
    } catch (const FailureException& exception) {
      failure = exception.what();
    }
    CHECK(failure == text);
  }
  // A program, but none that knows what a fork server is.
  ::setenv("NSENTER_AGENT", "/bin/true", 1);
  CHECK_THROWS_AS(Session(), FailureException);
  ::setenv("NSENTER_AGENT", kept.c_str(), 1);
  CHECK(open_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

}  // namespace nsenterd::test
