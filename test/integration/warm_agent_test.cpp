// Agents that serve several events: which ones they may, and when they end.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kHostname[] = "/proc/sys/kernel/hostname";

EventParameters inside(pid_t target) {
  return {.target = target, .namespaces = Namespaces::all()};
}

/// Sends an event that is to be answered, and returns which agent did it.
pid_t ask(Session& session, EventParameters parameters, Message message = request::read_file(kHostname)) {
  const auto event = session.make(std::move(parameters), std::move(message));
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  REQUIRE(*event->sent == "ok");
  return event->event.process_id();
}

/// A child in namespaces of its own of some kinds, which changes them when it is told to.
class Mover {
 public:
  explicit Mover(int flags) {
    int to_child[2];
    int from_child[2];
    REQUIRE(::pipe(to_child) == 0);
    REQUIRE(::pipe(from_child) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      char step = 0;
      // It moves once to begin with.
      do {
        if (::unshare(flags) != 0) ::_exit(1);
        if (::write(from_child[1], "", 1) != 1) ::_exit(1);
      } while (::read(to_child[0], &step, 1) == 1);
      ::_exit(0);
    }
    order_ = UniqueFd(to_child[1]);
    done_ = UniqueFd(from_child[0]);
    ::close(to_child[0]);
    ::close(from_child[1]);
    wait();
  }
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;
  ~Mover() { end(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void move() {
    REQUIRE(::write(order_.get(), "", 1) == 1);
    wait();
  }
  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  void wait() {
    char done = 0;
    REQUIRE(::read(done_.get(), &done, 1) == 1);
  }

  pid_t pid_ = 0;
  UniqueFd order_;
  UniqueFd done_;
};

TEST_CASE("An agent serves events of the same target and namespaces, one at a time") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const pid_t first = ask(session, inside(container.pid()));
  CHECK(session.agents_warm() == 1);
  for (int i = 0; i < 100; ++i) CHECK(ask(session, inside(container.pid())) == first);
  CHECK(ask(session, inside(container.pid()), request::read_file("/does/not/exist")) == first);
  CHECK(session.agents_warm() == 1);
  CHECK(session.events_running() == 0);

  SECTION("while it works, another one is started") {
    const auto held = session.hold(inside(container.pid()));
    CHECK(held->event.process_id() == first);
    CHECK(session.agents_warm() == 0);
    const pid_t second = ask(session, inside(container.pid()));
    CHECK(second != first);
    session.terminate(held);
    REQUIRE(session.run_until([&] { return held->terminated.has_value(); }));
    CHECK_FALSE(process_exists(first));
    CHECK(ask(session, inside(container.pid())) == second);
  }
  SECTION("another target has another") {
    const UnshareContainer other;
    CHECK(ask(session, inside(other.pid())) != first);
    CHECK(session.agents_warm() == 2);
  }
  SECTION("so have other namespaces of the same target") {
    CHECK(ask(session, {.target = container.pid(), .namespaces = {Namespace::net, Namespace::uts}}) != first);
    CHECK(ask(session, inside(container.pid())) == first);
  }
  SECTION("so has an event with namespaces of its own, and its agent is not kept") {
    EventParameters parameters = inside(container.pid());
    parameters.clone_flags = CLONE_NEWUTS;
    CHECK(ask(session, parameters) != first);
    CHECK(session.agents_warm() == 1);
    CHECK(ask(session, parameters) != first);
  }
  SECTION("so has an event that asks for one of its own; that one is not kept") {
    EventParameters parameters = inside(container.pid());
    parameters.fresh_agent = true;
    CHECK(ask(session, parameters) != first);
    CHECK(session.agents_warm() == 1);
    CHECK(ask(session, inside(container.pid())) == first);
  }
  SECTION("so has an event with a procfs of its own, which another such event may use") {
    const Message with_procfs = request::read_file(kHostname, Through::procfs);
    const pid_t second = ask(session, inside(container.pid()), with_procfs);
    CHECK(second != first);
    CHECK(ask(session, inside(container.pid()), with_procfs) == second);
    CHECK(ask(session, inside(container.pid())) == first);
  }
  session.destroy_service();
  CHECK(agent_processes().empty());
}

TEST_CASE("An operation that changes its process has an agent of its own, which is not kept") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const pid_t first = ask(session, inside(container.pid()));
  const Message changing{"ListxattrSyscallRequest",
                         {{"Header", {{"root", "/"}, {"cwd", "/"}, {"capabilities", {0, 0}}}},
                          {"path", "/"},
                          {"size", 0},
                          {"syscall", "listxattr"}}};
  CHECK(ask(session, inside(container.pid()), changing) != first);
  CHECK(session.agents_warm() == 1);
  CHECK(ask(session, inside(container.pid())) == first);
}

TEST_CASE("An agent does not serve a target that has moved to other namespaces") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session(512, {});
  for (const Namespace kind :
       {Namespace::net, Namespace::mnt, Namespace::uts, Namespace::ipc, Namespace::cgroup}) {
    Mover target(static_cast<int>(Namespaces{kind}.flags()));
    const EventParameters parameters{.target = target.pid(), .namespaces = {kind}};
    const pid_t first = ask(session, parameters);
    CHECK(ask(session, parameters) == first);
    target.move();
    INFO(Namespaces{kind}.names());
    CHECK(ask(session, parameters) != first);
  }
}

TEST_CASE("An agent does not serve a target that has moved while it worked for it") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session(512, {});
  Mover target(CLONE_NEWNET);
  const EventParameters parameters{.target = target.pid(), .namespaces = {Namespace::net}};
  const auto event = session.make(parameters, request::sleep_for(1));
  session.send(event);
  REQUIRE(session.run_until([&] { return event->event.process_id() != 0; }));
  const pid_t first = event->event.process_id();
  // It is told of when it has been forked, and joins after that.
  REQUIRE(wait_until([&] { return namespace_inode(first, "net") == namespace_inode(target.pid(), "net"); }));
  target.move();
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  REQUIRE(*event->sent == "ok");
  CHECK(session.agents_warm() == 1);
  CHECK(ask(session, parameters) != first);
}

/// A process in a network namespace of its own, with a number that another one has had.
std::unique_ptr<Mover> make_with_number(pid_t pid) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::ofstream("/proc/sys/kernel/ns_last_pid") << pid - 1 << std::flush;
    auto made = std::make_unique<Mover>(CLONE_NEWNET);
    // Somebody else was faster.
    if (made->pid() == pid) return made;
  }
  throw std::runtime_error("the number is not given anew");
}

TEST_CASE("A number that another process has been given is that of the other one") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session(512, {});
  Mover first(CLONE_NEWNET);
  const pid_t pid = first.pid();
  const EventParameters parameters{.target = pid, .namespaces = {Namespace::net}};
  ask(session, parameters);
  // The event loop does not hear of it before the next event is sent.
  first.end();
  const auto second = make_with_number(pid);
  const pid_t agent = ask(session, parameters);
  CHECK(namespace_inode(agent, "net") == namespace_inode(pid, "net"));
}

TEST_CASE("An agent ends with its target") {
  NSENTERD_NEEDS(missing_for_containers());
  Mover target(CLONE_NEWNET);
  Session session(512, {});
  const pid_t agent = ask(session, {.target = target.pid(), .namespaces = {Namespace::net}});
  REQUIRE(process_exists(agent));
  target.end();
  CHECK(session.run_until([&] { return !process_exists(agent); }, milliseconds(500)));
  CHECK(session.agents_warm() == 0);
}

TEST_CASE("An agent ends when it has been idle for long enough, or is old") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  SECTION("idle") {
    Session session(512, {.idle_time = milliseconds(200)});
    const pid_t agent = ask(session, inside(container.pid()));
    session.run_for(milliseconds(100));
    CHECK(ask(session, inside(container.pid())) == agent);
    session.run_for(milliseconds(120));
    CHECK(process_exists(agent));
    CHECK(session.run_until([&] { return !process_exists(agent); }, seconds(2)));
    CHECK(session.agents_warm() == 0);
  }
  SECTION("old") {
    Session session(512, {.age = milliseconds(100)});
    const pid_t agent = ask(session, inside(container.pid()));
    session.run_for(milliseconds(120));
    CHECK(ask(session, inside(container.pid())) == agent);
    CHECK(session.agents_warm() == 0);
    CHECK(ask(session, inside(container.pid())) != agent);
  }
}

TEST_CASE("No more agents are kept than allowed; that which has been idle for longest ends") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session(512, {.agents = 3, .agents_of_target = 2});
  Mover targets[]{Mover(CLONE_NEWNET), Mover(CLONE_NEWNET)};
  const auto parameters = [&](int i) {
    return EventParameters{.target = targets[i].pid(), .namespaces = {Namespace::net}};
  };
  std::vector<SentEvent> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(session.make(parameters(0), request::sleep_for(1)));
    session.send(held.back());
  }
  CHECK(session.run_until([&] { return session.events_running() == 0; }));
  CHECK(session.agents_warm() == 2);
  ask(session, {.target = targets[1].pid(), .namespaces = {Namespace::net}});
  ask(session, {.target = targets[1].pid(), .namespaces = {Namespace::net, Namespace::uts}});
  CHECK(session.agents_warm() == 3);
  CHECK(session.run_until([] { return agent_processes().size() == 4; }));
}

TEST_CASE("An agent that is killed while it has nothing to do does no harm") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  for (int i = 0; i < 50; ++i) {
    const pid_t agent = ask(session, inside(container.pid()));
    ::kill(agent, SIGKILL);
    if (i % 2 == 0) {
      CHECK(session.run_until([&] { return session.agents_warm() == 0; }));
      CHECK(ask(session, inside(container.pid())) != agent);
    } else {
      // Without time to notice: it may still be dying.
      const Answer answer = session.ask(inside(container.pid()), request::read_file(kHostname));
      CHECK((answer.outcome == "ok" || answer.outcome == "agent killed by signal 9"));
    }
  }
}

TEST_CASE("An event ends by its deadline, however long its agent has been there") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const pid_t agent = ask(session, inside(container.pid()));
  EventParameters parameters = inside(container.pid());
  parameters.timeout = milliseconds(100);
  CHECK(session.ask(parameters, request::sleep_for(60)).outcome == "timed out");
  CHECK(session.run_until([&] { return !process_exists(agent); }));
  ::kill(ask(session, inside(container.pid())), SIGSTOP);
  CHECK(session.ask(parameters, request::read_file(kHostname)).outcome == "timed out");
  CHECK(session.ask(inside(container.pid()), request::read_file(kHostname)).outcome == "ok");
}

TEST_CASE("An agent that has carried a large message is not kept") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const pid_t first = ask(session, inside(container.pid()));
  const std::string large = std::getenv("NSENTER_AGENT");
  CHECK(ask(session, inside(container.pid()), request::read_file(large, Through::container, 0, 800'000)) ==
        first);
  CHECK(session.agents_warm() == 0);
  CHECK(ask(session, inside(container.pid())) != first);
  CHECK(session.agents_warm() == 1);
}

}  // namespace
}  // namespace nsenterd::test
