// A root and a working directory that somebody has opened: where an agent is then, as the kernel shows it from outside.
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sched.h>

#include "held_namespaces.hpp"
#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/opened_namespaces.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {

TEST_CASE("An agent has the root and the working directory of a chrooted process") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const ChrootedProcess process(container.pid(), "/inner", "/deep");
  std::ofstream(container.root() / "inner/at-root") << "at the root";
  std::ofstream(container.root() / "inner/deep/here") << "here";
  const UniqueFd root = open_root(process.pid()).value();
  const UniqueFd directory = open_cwd(process.pid()).value();
  REQUIRE(inode_of(root.get()) == inode_of(container.root() / "inner"));
  Session session;
  const EventParameters inside{.target = container.pid(), .namespaces = Namespaces::all()};
  EventParameters parameters = inside;
  parameters.root = root.get();
  const auto bytes = [&](const char* path) {
    return session.ask(parameters, request::read_file(path)).bytes();
  };
  CHECK(bytes("/at-root") == "at the root");
  // Without a working directory that is the root.
  CHECK(bytes("at-root") == "at the root");
  CHECK(session.ask(parameters, request::read_file("/etc/passwd")).error() == ENOENT);
  CHECK(session.ask(parameters, request::read_file("/../../etc/passwd")).error() == ENOENT);
  parameters.working_directory = directory.get();
  CHECK(bytes("here") == "here");
  CHECK(bytes("../at-root") == "at the root");
  CHECK(bytes("../../../at-root") == "at the root");
  {
    const auto event = session.hold(parameters);
    const pid_t agent = event->event.process_id();
    CHECK(inode_of(proc_path(agent, "root")) == inode_of(container.root() / "inner"));
    CHECK(inode_of(proc_path(agent, "cwd")) == inode_of(container.root() / "inner/deep"));
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
  }
  parameters = inside;
  parameters.working_directory = directory.get();
  CHECK(bytes("here") == "here");
  CHECK(bytes("../at-root") == "at the root");
  CHECK(session.ask(parameters, request::read_file("/etc/passwd")).error() == 0);
}

TEST_CASE("A root and a working directory go along into namespaces that are created") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const TemporaryDirectory outer;
  const ChrootedProcess process(container.pid(), outer / "inner", "/deep");
  std::ofstream(outer / "inner/deep/here") << "here";
  container.shell("mount --make-rshared / && mount -t tmpfs tmpfs /mnt");
  const UniqueFd root = open_root(process.pid()).value();
  const UniqueFd directory = open_cwd(process.pid()).value();
  const Held held(container.pid(), Namespaces::all());
  const std::uint32_t all = Namespaces::all().flags();
  Session session;
  const auto of_target = [&](Namespaces joined, std::uint32_t created) {
    return EventParameters{.target = container.pid(),
                           .namespaces = joined,
                           .root = root.get(),
                           .working_directory = directory.get(),
                           .clone_flags = created};
  };
  EventParameters opened = of_target({}, CLONE_NEWUSER | CLONE_NEWNS);
  opened.target = 0;
  opened.namespace_descriptors = held.descriptors();
  for (const EventParameters& parameters :
       {of_target(Namespaces::all(), CLONE_NEWNS), of_target(Namespaces::all(), CLONE_NEWUSER),
        of_target(Namespaces::all(), CLONE_NEWUSER | CLONE_NEWNS),
        of_target({Namespace::mnt}, CLONE_NEWUSER | CLONE_NEWNS), of_target(Namespaces::all(), all),
        opened}) {
    INFO("joined: " << parameters.namespaces.names() << ", created: " << parameters.clone_flags);
    const auto event = session.hold(parameters);
    const pid_t agent = event->event.process_id();
    CHECK(inode_of(proc_path(agent, "root")) == inode_of(outer / "inner"));
    CHECK(inode_of(proc_path(agent, "cwd")) == inode_of(outer / "inner/deep"));
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
    for (const std::string_view name : {"user", "mnt"}) {
      const bool is_new =
          (Namespaces{namespace_from_name(name).value()}.flags() & parameters.clone_flags) != 0;
      CHECK((namespace_inode(agent, name) != namespace_inode(container.pid(), name)) == is_new);
    }
    CHECK(session.ask(parameters, request::read_file("here")).bytes() == "here");
    if ((parameters.clone_flags & CLONE_NEWNS) == 0) continue;
    // The root is in the new mount namespace: elsewhere nothing could be mounted.
    const Message mounting = message_of(message::mount({message::tmpfs_on("/deep")}));
    CHECK(session.ask(parameters, mounting).error() == 0);
    CHECK(mounts_at(container.pid(), (outer / "inner/deep").native()).empty());
    // The mounts of the whole namespace, not only those below the agent's root, are slaves.
    const ChrootedProcess observer(agent, "/", "/");
    std::set<std::string> points;
    for (const Mount& mount : mount_table(read_file(proc_path(observer.pid(), "mountinfo")))) {
      INFO(mount.point << ": " << mount.propagation);
      CHECK(mount.propagation.find("shared:") == std::string::npos);
      CHECK(mount.propagation.find("master:") != std::string::npos);
      points.insert(mount.point);
    }
    CHECK(points.contains("/"));
    CHECK(points.contains("/mnt"));
  }
  // What the agent mounts, and is in, does not concern the container.
  container.shell("umount /mnt");
}

TEST_CASE("What is no directory is no root and no working directory") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const UniqueFd file = open_file("/etc/passwd", O_PATH);
  const EventParameters as_root{
      .target = container.pid(), .namespaces = Namespaces::all(), .root = file.get()};
  CHECK(session.ask(as_root, request::sleep_for(0)).outcome == "chroot: not a directory (ENOTDIR)");
  const EventParameters as_directory{
      .target = container.pid(), .namespaces = Namespaces::all(), .working_directory = file.get()};
  CHECK(session.ask(as_directory, request::sleep_for(0)).outcome == "fchdir: not a directory (ENOTDIR)");
  // Opened to be read: who closes it may wait for its filesystem.
  const UniqueFd readable = open_file("/", O_RDONLY | O_DIRECTORY);
  EventParameters wrong = as_root;
  wrong.root = readable.get();
  CHECK(session.ask(wrong, request::sleep_for(0)).outcome == "invalid parameter rootFileDescriptor");
  wrong = as_directory;
  wrong.working_directory = readable.get();
  CHECK(session.ask(wrong, request::sleep_for(0)).outcome ==
        "invalid parameter workingDirectoryFileDescriptor");
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
}

}  // namespace nsenterd::test
