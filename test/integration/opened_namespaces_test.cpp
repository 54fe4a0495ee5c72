// Namespaces that somebody has opened: where an agent is, as the kernel shows it from outside.
#include "support/opened_namespaces.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "held_namespaces.hpp"
#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {
namespace {

constexpr char kHostname[] = "/proc/sys/kernel/hostname";

Namespaces only(std::string_view name) {
  return {namespace_from_name(name).value()};
}
Namespaces both(Namespaces a, Namespaces b) {
  return *Namespaces::from_flags(a.flags() | b.flags());
}
Namespaces without(Namespaces a, Namespaces b) {
  return *Namespaces::from_flags(a.flags() & ~b.flags());
}

/// The names of the namespaces in which a process is not where it is expected: where `opened` are, for the kinds of `joined`; otherwise
/// where `others` are.
std::string misplaced(pid_t agent, Namespaces joined, const Inodes& opened, const Inodes& others) {
  const Inodes actual = inodes_of(agent);
  std::string wrong;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const bool is_joined = joined.contains(namespace_from_name(kNamespaceNames[i]).value());
    if (actual[i] != (is_joined ? opened[i] : others[i])) wrong.append(" ").append(kNamespaceNames[i]);
  }
  return wrong;
}

}  // namespace

TEST_CASE("An agent is in exactly the opened namespaces, for every valid subset of the eight") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Inodes own = inodes_of(::getpid());
  const Inodes theirs = inodes_of(container.pid());
  Session session;
  session.ask({.target = ::getpid()}, request::sleep_for(0));
  session.run_for(std::chrono::milliseconds(50));
  const std::size_t descriptors = open_descriptors();
  const auto of_fork_server = descriptors_of(session.fork_server());
  int joined_subsets = 0;
  int refused = 0;
  for (unsigned bits = 1; bits < 256; ++bits) {
    Namespaces kinds;
    for (unsigned i = 0; i < 8; ++i) {
      if ((bits & (1U << i)) != 0) kinds = both(kinds, only(kNamespaceNames[i]));
    }
    INFO("opened: " << kinds.names());
    const Held held(container.pid(), kinds);
    if (kinds.contains(Namespace::pid) && !kinds.contains(Namespace::mnt)) {
      CHECK(session.ask({.namespace_descriptors = held.descriptors()}, request::sleep_for(0)).outcome ==
            "invalid parameter namespace");
      ++refused;
      continue;
    }
    const auto event = session.hold({.namespace_descriptors = held.descriptors()});
    const pid_t agent = event->event.process_id();
    CHECK(misplaced(agent, kinds, theirs, own).empty());
    // None of what led there.
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
    CHECK(status_field(agent, "PPid") == std::to_string(::getpid()));
    ++joined_subsets;
  }
  CHECK(joined_subsets == 191);
  CHECK(refused == 64);
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
  CHECK(session.run_until([&] { return open_descriptors() == descriptors; }));
  CHECK(descriptors_of(session.fork_server()) == of_fork_server);
  // It goes into pid namespaces and must always come back.
  CHECK(misplaced(session.fork_server(), {}, theirs, own).empty());
}

TEST_CASE("In an opened user namespace an agent is root") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const Held held(container.pid(), Namespaces::all());
  const auto event = session.hold({.namespace_descriptors = held.descriptors()});
  CHECK(status_field(event->event.process_id(), "Uid") == "100000\t100000\t100000\t100000");
  CHECK(status_field(event->event.process_id(), "Gid") == "100000\t100000\t100000\t100000");
  CHECK(status_field(event->event.process_id(), "Groups").empty());
}

TEST_CASE("Opened namespaces of one container and the others of another go together") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer target;
  const UnshareContainer other;
  const Inodes of_target = inodes_of(target.pid());
  const Inodes of_other = inodes_of(other.pid());
  Session session;
  for (const std::string_view name : kNamespaceNames) {
    for (const Namespaces opened : {only(name), without(Namespaces::all(), only(name))}) {
      const Namespaces rest = without(Namespaces::all(), opened);
      INFO("opened: " << opened.names() << ", of the target: " << rest.names());
      const Held held(other.pid(), opened);
      const auto event = session.hold(
          {.target = target.pid(), .namespaces = rest, .namespace_descriptors = held.descriptors()});
      CHECK(misplaced(event->event.process_id(), opened, of_other, of_target).empty());
    }
  }
}

TEST_CASE("An opened namespace that the host's user namespace owns is joined with an opened user namespace") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const UnsharedProcess network(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC);
  REQUIRE(owner_inode(network.pid(), "net") == namespace_inode(::getpid(), "user"));
  const Namespaces of_host{Namespace::net, Namespace::uts, Namespace::ipc};
  const Namespaces of_container{Namespace::user, Namespace::mnt, Namespace::pid, Namespace::cgroup};
  const Held hosts(network.pid(), of_host);
  const Held containers(container.pid(), of_container);
  NamespaceDescriptors descriptors = containers.descriptors();
  for (const Namespace kind : {Namespace::net, Namespace::uts, Namespace::ipc})
    descriptors[kind] = hosts.descriptors()[kind];
  Session session;
  const auto event = session.hold({.namespace_descriptors = descriptors});
  Inodes expected = inodes_of(container.pid());
  const Inodes theirs = inodes_of(network.pid());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (of_host.contains(namespace_from_name(kNamespaceNames[i]).value())) expected[i] = theirs[i];
  }
  const pid_t agent = event->event.process_id();
  CHECK(misplaced(agent, both(of_host, of_container), expected, inodes_of(::getpid())).empty());
  CHECK(status_field(agent, "Uid") == "100000\t100000\t100000\t100000");
  // The same where the user namespace is the target's: what is opened is joined first.
  const auto mixed = session.hold({.target = container.pid(),
                                   .namespaces = {Namespace::user, Namespace::mnt},
                                   .namespace_descriptors = hosts.descriptors()});
  CHECK(namespace_inode(mixed->event.process_id(), "net") == namespace_inode(network.pid(), "net"));
  CHECK(namespace_inode(mixed->event.process_id(), "user") == namespace_inode(container.pid(), "user"));
}

TEST_CASE("Opened namespaces are joined when their process has gone") {
  NSENTERD_NEEDS(missing_for_containers());
  auto container = std::make_unique<UnshareContainer>();
  const pid_t pid = container->pid();
  const Inodes theirs = inodes_of(pid);
  const Namespaces kinds = without(Namespaces::all(), {Namespace::pid});
  const Held held(pid, kinds);
  const Held with_pid(pid, Namespaces::all());
  container.reset();
  REQUIRE_FALSE(process_exists(pid));
  Session session;
  const auto event = session.hold({.namespace_descriptors = held.descriptors()});
  CHECK(misplaced(event->event.process_id(), kinds, theirs, inodes_of(::getpid())).empty());
  // Nobody enters a pid namespace whose process 1 has ended (pid_namespaces(7)).
  CHECK(session.ask({.namespace_descriptors = with_pid.descriptors()}, request::sleep_for(0)).outcome ==
        "fork: cannot allocate memory (ENOMEM)");
  CHECK(session.ask({.namespace_descriptors = held.descriptors()}, request::read_file(kHostname)).error() ==
        0);
}

TEST_CASE("A private procfs is that of the opened pid namespace, a sysfs that of the opened net namespace") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  container.shell("ip link set dev lo mtu 12345");
  const Held held(container.pid(), Namespaces::all());
  Session session;
  const EventParameters parameters{.namespace_descriptors = held.descriptors()};
  const auto read = [&](const char* path, Through where) {
    return session.ask(parameters, request::read_file(path, where)).bytes();
  };
  CHECK(read("/proc/1/comm", Through::procfs) == process_name(container.pid()) + "\n");
  CHECK(read("/proc/1/environ", Through::procfs) == container.output_of({"cat", "/proc/1/environ"}));
  CHECK(read("/sys/class/net/lo/mtu", Through::sysfs) == "12345\n");
  // Where the one is the target's and the other opened.
  for (const Namespaces opened : {Namespaces{Namespace::pid, Namespace::mnt}, Namespaces{Namespace::net}}) {
    const Held some(container.pid(), opened);
    const EventParameters mixed{.target = container.pid(),
                                .namespaces = without(Namespaces::all(), opened),
                                .namespace_descriptors = some.descriptors()};
    CHECK(session.ask(mixed, request::read_file("/sys/class/net/lo/mtu", Through::sysfs)).bytes() ==
          "12345\n");
    CHECK(session.ask(mixed, request::read_file("/proc/1/comm", Through::procfs)).bytes() ==
          process_name(container.pid()) + "\n");
  }
}

TEST_CASE("What is no namespace of its kind is refused before anything is started") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto outcome = [&](Namespace kind, int descriptor, EventParameters parameters = {}) {
    parameters.namespace_descriptors[kind] = descriptor;
    return session.ask(parameters, request::sleep_for(0)).outcome;
  };
  const std::string wrong = "invalid parameter namespaceFileDescriptors.net";
  const UniqueFd own_user = open_namespace(::getpid(), Namespace::user).value();
  const UniqueFd network = open_namespace(container.pid(), Namespace::net).value();
  CHECK(outcome(Namespace::net, own_user.get()) == wrong);
  CHECK(outcome(Namespace::uts, network.get()) == "invalid parameter namespaceFileDescriptors.uts");
  CHECK(outcome(Namespace::net, open_file("/etc/passwd", O_RDONLY).get()) == wrong);
  CHECK(outcome(Namespace::net, open_file("/proc/self/status", O_RDONLY).get()) == wrong);
  CHECK(outcome(Namespace::net, open_file("/dev/null", O_RDONLY).get()) == wrong);
  CHECK(outcome(Namespace::net, UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)).get()) == wrong);
  CHECK(outcome(Namespace::net, open_file(proc_path(container.pid(), "ns/net"), O_PATH).get()) == wrong);
  CHECK(outcome(Namespace::net, 9999) == wrong);
  const TemporaryDirectory directory;
  // As the kernel writes a namespace's link, but a path.
  const std::string pretender = directory / "net:[1]";
  REQUIRE(::mkfifo(pretender.c_str(), 0600) == 0);
  CHECK(outcome(Namespace::net, open_file(pretender, O_RDWR).get()) == wrong);
  // In both ways, and without a target.
  CHECK(outcome(Namespace::net, network.get(), {.target = container.pid(), .namespaces = {Namespace::net}}) ==
        wrong);
  CHECK(outcome(Namespace::net, network.get(), {.namespaces = {Namespace::mnt}}) == "invalid parameter pid");
  CHECK(session.ask({}, request::sleep_for(0)).outcome == "invalid parameter pid");
  CHECK(agent_processes().size() == 1);
}

TEST_CASE("A namespace that was opened where it is mounted is joined") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const TemporaryDirectory directory;
  const std::string point = directory / "net";
  std::ofstream{point};
  REQUIRE(::mount(proc_path(container.pid(), "ns/net").c_str(), point.c_str(), nullptr, MS_BIND, nullptr) ==
          0);
  const UniqueFd network = open_file(point, O_RDONLY);
  Session session;
  EventParameters parameters;
  parameters.namespace_descriptors[Namespace::net] = network.get();
  {
    const auto event = session.hold(parameters);
    CHECK(misplaced(event->event.process_id(), {Namespace::net}, inodes_of(container.pid()),
                    inodes_of(::getpid()))
              .empty());
  }
  EventParameters wrong;
  wrong.namespace_descriptors[Namespace::uts] = network.get();
  CHECK(session.ask(wrong, request::sleep_for(0)).outcome ==
        "invalid parameter namespaceFileDescriptors.uts");
  REQUIRE(::umount2(point.c_str(), MNT_DETACH) == 0);
  CHECK(session.ask(parameters, request::sleep_for(0)).outcome ==
        "invalid parameter namespaceFileDescriptors.net");
}

TEST_CASE("The pid namespace without the mount namespace is refused, however they are given") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const Held pid(container.pid(), {Namespace::pid});
  const Held mnt(container.pid(), {Namespace::mnt});
  EventParameters parameters{.target = container.pid(), .namespace_descriptors = pid.descriptors()};
  const auto outcome = [&] { return session.ask(parameters, request::sleep_for(0)).outcome; };
  CHECK(outcome() == "invalid parameter namespace");
  parameters.clone_flags = CLONE_NEWNS;
  CHECK(outcome() == "ok");
  parameters.clone_flags = 0;
  parameters.namespaces = {Namespace::mnt};
  CHECK(outcome() == "ok");
  parameters.namespaces = {Namespace::pid};
  parameters.namespace_descriptors = mnt.descriptors();
  CHECK(outcome() == "ok");
}

TEST_CASE("Opened namespaces that are the caller's own") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session(512, {});
  const Inodes own = inodes_of(::getpid());
  const Held all(::getpid(), Namespaces::all());
  {
    const auto event = session.hold({.namespace_descriptors = all.descriptors()});
    CHECK(misplaced(event->event.process_id(), {}, own, own).empty());
    CHECK(status_field(event->event.process_id(), "CapEff") == status_field(::getpid(), "CapEff"));
  }
  const EventParameters refusing{.namespace_descriptors = all.descriptors(), .refuse_host = true};
  CHECK(session.ask(refusing, request::sleep_for(0)).outcome == "target is a process of the host");
  // Nothing is left to join then, but that makes no agent that could serve others.
  const Held user(::getpid(), {Namespace::user});
  CHECK(session.ask({.namespace_descriptors = user.descriptors()}, request::read_file(kHostname)).error() ==
        0);
  CHECK(session.agents_warm() == 0);
}

TEST_CASE("A warm agent neither serves nor is left by an event with anything opened") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const auto agent_of = [&](EventParameters parameters) {
    const auto event = session.make(std::move(parameters), request::read_file(kHostname));
    session.send(event);
    REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
    REQUIRE(*event->sent == "ok");
    return event->event.process_id();
  };
  const EventParameters plain{.target = container.pid(), .namespaces = Namespaces::all()};
  const pid_t warm = agent_of(plain);
  REQUIRE(agent_of(plain) == warm);
  const UniqueFd root = open_root(container.pid()).value();
  const Held network(container.pid(), {Namespace::net});
  EventParameters with_root = plain;
  with_root.root = root.get();
  EventParameters with_directory = plain;
  with_directory.working_directory = root.get();
  EventParameters with_network = plain;
  with_network.namespaces.erase(Namespace::net);
  with_network.namespace_descriptors = network.descriptors();
  for (const EventParameters& opened : {with_root, with_directory, with_network}) {
    CHECK(agent_of(opened) != warm);
    CHECK(session.agents_warm() == 1);
  }
  CHECK(agent_of(plain) == warm);
}

TEST_CASE("With an opened user namespace no ids are taken that it may not know") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const Held user(container.pid(), {Namespace::user});
  const Message on_behalf = message_of(message::getxattr("/", "user.none", 16));
  EventParameters parameters{.target = container.pid(), .namespace_descriptors = user.descriptors()};
  parameters.namespaces = without(Namespaces::all(), {Namespace::user});
  CHECK(session.ask(parameters, on_behalf).error() == ENODATA);
  parameters.uid = 100000;
  CHECK(session.ask(parameters, on_behalf).outcome == "invalid parameter uid");
  // Others do not look at them.
  CHECK(session.ask(parameters, request::read_file(kHostname)).error() == 0);
  parameters.uid.reset();
  parameters.gid = 100000;
  CHECK(session.ask(parameters, on_behalf).outcome == "invalid parameter gid");
  // There is nobody's map to look into, but none is needed.
  const Held own(::getpid(), {Namespace::user});
  const EventParameters in_own{
      .uid = 100000, .gid = 100000, .namespace_descriptors = own.descriptors(), .root = -1};
  CHECK(session.ask(in_own, on_behalf).error() == ENODATA);
}

}  // namespace nsenterd::test
