// Which namespaces an agent is in, as the kernel shows them from outside.
#include <cerrno>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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

constexpr std::uint32_t kNewTime = 0x80;

std::uint64_t flag_of(std::string_view name) {
  return static_cast<std::uint64_t>(namespace_from_name(name).value());
}

/// The names of the namespaces in which a process is not where it is expected: in the target's if `joined`
/// has them, in a third one if `created` has them, otherwise in this process's own.
std::string misplaced(pid_t agent, pid_t target, std::uint64_t joined, std::uint64_t created) {
  std::string wrong;
  for (const std::string_view name : kNamespaceNames) {
    const auto own = namespace_inode(::getpid(), name);
    const auto theirs = namespace_inode(target, name);
    const auto actual = namespace_inode(agent, name);
    const std::uint64_t flag = flag_of(name);
    const bool right = (created & flag) != 0  ? actual != own && actual != theirs
                       : (joined & flag) != 0 ? actual == theirs
                                              : actual == own;
    if (!right) wrong.append(" ").append(name);
  }
  return wrong;
}

bool takes_hosts_mounts_along(std::uint64_t joined) {
  return (joined & CLONE_NEWPID) != 0 && (joined & CLONE_NEWNS) == 0;
}

/// The ids of a process from outside: real, effective, saved, file system.
std::string four_times(const std::string& id) {
  return id + "\t" + id + "\t" + id + "\t" + id;
}

}  // namespace

TEST_CASE("An agent is in exactly the namespaces asked for, for every valid subset of the eight") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (const std::string_view name : kNamespaceNames) {
    CAPTURE(name);
    REQUIRE(namespace_inode(container.pid(), name) != namespace_inode(::getpid(), name));
  }
  Session session;
  int subsets = 0;
  for (unsigned bits = 0; bits < 256; ++bits) {
    Namespaces joined;
    for (unsigned i = 0; i < 8; ++i) {
      if ((bits & (1U << i)) != 0) joined.insert(namespace_from_name(kNamespaceNames[i]).value());
    }
    if (takes_hosts_mounts_along(joined.flags())) continue;
    INFO("joined: " << joined.names());
    const SentEvent event = session.hold({.target = container.pid(), .namespaces = joined});
    CHECK(misplaced(event->event.process_id(), container.pid(), joined.flags(), 0).empty());
    ++subsets;
  }
  CHECK(subsets == 192);
}

TEST_CASE("The pid namespace without the mount namespace is refused") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  int refused = 0;
  for (unsigned bits = 0; bits < 256; ++bits) {
    Namespaces joined;
    for (unsigned i = 0; i < 8; ++i) {
      if ((bits & (1U << i)) != 0) joined.insert(namespace_from_name(kNamespaceNames[i]).value());
    }
    if (!takes_hosts_mounts_along(joined.flags())) continue;
    CHECK(session.ask({.target = container.pid(), .namespaces = joined}, request::sleep_for(0)).outcome ==
          "invalid parameter namespace");
    ++refused;
  }
  CHECK(refused == 64);
  CHECK(agent_processes().size() == 1);
}

TEST_CASE("The pid namespace without the mount namespace is joined when a new mount namespace is made") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event = session.hold({.target = container.pid(),
                                   .namespaces = {Namespace::user, Namespace::pid},
                                   .clone_flags = CLONE_NEWNS});
  CHECK(misplaced(event->event.process_id(), container.pid(), CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWNS)
            .empty());
}

TEST_CASE("Namespaces that are the caller's own are left out") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const auto event = session.hold({.target = ::getpid(), .namespaces = Namespaces::all()});
  CHECK(misplaced(event->event.process_id(), ::getpid(), Namespaces::all().flags(), 0).empty());
  CHECK(status_field(event->event.process_id(), "Uid") == four_times("0"));
}

TEST_CASE("Each clone flag creates exactly its namespace, with and without the container's joined") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  for (const Namespaces joined : {Namespaces(), Namespaces::all()}) {
    for (const std::string_view name : kNamespaceNames) {
      const std::uint64_t created = flag_of(name);
      INFO("joined: " << joined.names() << ", created: " << name);
      const auto event =
          session.hold({.target = container.pid(), .namespaces = joined, .clone_flags = created});
      const pid_t agent = event->event.process_id();
      CHECK(misplaced(agent, container.pid(), joined.flags(), created).empty());
      // For a user namespace this is its parent.
      const pid_t owner = joined.empty() ? ::getpid() : container.pid();
      CHECK(owner_inode(agent, name) == namespace_inode(owner, "user"));
      if (created == CLONE_NEWPID) CHECK(innermost_pid(agent) == 1);
      CHECK(status_field(agent, "PPid") == std::to_string(::getpid()));
    }
  }
}

TEST_CASE("All eight namespaces are created at once, with and without the container's joined") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto all = Namespaces::all().flags();
  for (const Namespaces joined : {Namespaces(), Namespaces::all()}) {
    INFO("joined: " << joined.names());
    const auto event = session.hold({.target = container.pid(), .namespaces = joined, .clone_flags = all});
    const pid_t agent = event->event.process_id();
    CHECK(misplaced(agent, container.pid(), joined.flags(), all).empty());
    CHECK(innermost_pid(agent) == 1);
    const pid_t outer = joined.empty() ? ::getpid() : container.pid();
    CHECK(owner_inode(agent, "user") == namespace_inode(outer, "user"));
    for (const std::string_view name : kNamespaceNames) {
      CAPTURE(name);
      if (name != "user") CHECK(owner_inode(agent, name) == namespace_inode(agent, "user"));
    }
    CHECK(status_field(agent, "PPid") == std::to_string(::getpid()));
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
  }
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
}

TEST_CASE("In a user namespace that an agent creates it is root, mapped to what it was") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto id_map = [](pid_t agent, const char* file) {
    std::istringstream words(read_file(proc_path(agent, file)));
    std::string inside;
    std::string outside;
    std::string count;
    std::string more;
    words >> inside >> outside >> count >> more;
    return inside + " " + outside + " " + count + more;
  };
  const std::pair<Namespaces, std::string> cases[] = {{Namespaces(), "0"}, {Namespaces::all(), "100000"}};
  for (const auto& [joined, id] : cases) {
    for (const std::uint64_t created :
         {std::uint64_t{CLONE_NEWUSER}, std::uint64_t{Namespaces::all().flags()}}) {
      INFO("joined: " << joined.names() << ", created: " << created);
      const auto event =
          session.hold({.target = container.pid(), .namespaces = joined, .clone_flags = created});
      const pid_t agent = event->event.process_id();
      CHECK(id_map(agent, "uid_map") == "0 " + id + " 1");
      CHECK(id_map(agent, "gid_map") == "0 " + id + " 1");
      CHECK(read_file(proc_path(agent, "setgroups")) == "deny\n");
      CHECK(status_field(agent, "Uid") == four_times(id));
      CHECK(status_field(agent, "Gid") == four_times(id));
    }
  }
}

TEST_CASE("In a user namespace that an agent joins it is root, without supplementary groups") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto event = session.hold({.target = container.pid(), .namespaces = {Namespace::user}});
  const pid_t agent = event->event.process_id();
  CHECK(status_field(agent, "Uid") == four_times("100000"));
  CHECK(status_field(agent, "Gid") == four_times("100000"));
  CHECK(status_field(agent, "Groups").empty());
  const auto outside = session.hold({.target = container.pid(), .namespaces = {Namespace::net}});
  CHECK(status_field(outside->event.process_id(), "Uid") == four_times("0"));
  CHECK(status_field(outside->event.process_id(), "Groups").empty());
}

TEST_CASE("Agents of different plans do not disturb one another's namespaces") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer first;
  const UnshareContainer second;
  Session session;
  const auto a = session.hold({.target = first.pid(), .namespaces = Namespaces::all()});
  const auto b =
      session.hold({.target = second.pid(), .namespaces = Namespaces::all(), .clone_flags = kNewTime});
  const auto c = session.hold({.target = first.pid()});
  CHECK(misplaced(a->event.process_id(), first.pid(), Namespaces::all().flags(), 0).empty());
  CHECK(misplaced(b->event.process_id(), second.pid(), Namespaces::all().flags(), kNewTime).empty());
  CHECK(misplaced(c->event.process_id(), first.pid(), 0, 0).empty());
  // The fork server goes into pid namespaces and must always come back.
  CHECK(misplaced(session.fork_server(), first.pid(), 0, 0).empty());
}

TEST_CASE("A namespace that cannot be created is named") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  container.shell("echo 0 > /proc/sys/user/max_uts_namespaces");
  Session session;
  const EventParameters parameters{
      .target = container.pid(), .namespaces = Namespaces::all(), .clone_flags = CLONE_NEWUTS | CLONE_NEWNET};
  CHECK(session.ask(parameters, request::sleep_for(0)).outcome ==
        "unshare uts: no space left on device (ENOSPC)");
  container.shell("echo 0 > /proc/sys/user/max_pid_namespaces");
  const EventParameters by_fork{
      .target = container.pid(), .namespaces = Namespaces::all(), .clone_flags = CLONE_NEWPID};
  CHECK(session.ask(by_fork, request::sleep_for(0)).outcome ==
        "unshare pid: no space left on device (ENOSPC)");
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
}

}  // namespace nsenterd::test
