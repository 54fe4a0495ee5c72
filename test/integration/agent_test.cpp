// What an agent looks like from outside and from the container: what it holds, and what can be got out of it.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/fork_server_process.hpp"
#include "requests.hpp"
#include "service/requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "wire/frame.hpp"

namespace nsenterd::test {
namespace {

std::string link_of(pid_t pid, const std::string& name) {
  return std::filesystem::read_symlink(proc_path(pid, name));
}

/// An agent that the fork server has made and that waits for its request: what no event shows for long.
struct WaitingAgent {
  base::ChildProcess process;
  UniqueFd socket;
};

launch::ForkServer start_fork_server() {
  const char* agent = std::getenv("NSENTER_AGENT");
  REQUIRE(agent != nullptr);
  launch::ForkServer server = launch::start_fork_server(launch::load_program(agent).value()).value();
  REQUIRE(wait_until([&] { return launch::receive_spawn_reply(server.control.get()).has_value(); }));
  return server;
}

WaitingAgent spawn(const launch::ForkServer& server, const nsjoin::JoinPlan& plan, int target) {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  WaitingAgent agent{{}, UniqueFd(ends[0])};
  const UniqueFd other(ends[1]);
  launch::send_spawn_request(server.control.get(), {7, plan}, std::array{other.get(), target}).value();
  REQUIRE(wait_until([&] {
    auto received = launch::receive_spawn_reply(server.control.get());
    if (!received.has_value()) return false;
    CHECK(received->reply.id == 7);
    CHECK(received->reply.failure.step == nsjoin::Step::none);
    agent.process = base::ChildProcess(received->reply.pid, std::move(received->pidfd));
    return true;
  }));
  return agent;
}

/// Waits until the agent has come to rest: nothing that it does before it waits for its request is an
/// interruptible sleep.
bool waits_for_request(pid_t agent) {
  return wait_until([&] { return status_field(agent, "State").starts_with("S"); });
}

}  // namespace

TEST_CASE("An agent holds nothing but its socket, whatever the embedding program has open") {
  NSENTERD_NEEDS(missing_for_containers());
  // Inheritable, as a careless program has them.
  const UniqueFd file(::open("/etc/passwd", O_RDONLY));
  const UniqueFd directory(::fcntl(UniqueFd(::open("/", O_RDONLY | O_DIRECTORY)).get(), F_DUPFD, 100));
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  for (const Namespaces joined : {Namespaces(), Namespaces::all(), Namespaces{Namespace::net}}) {
    INFO("joined: " << joined.names());
    const auto event = session.hold({.target = container.pid(), .namespaces = joined});
    const pid_t agent = event->event.process_id();
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
    const std::string socket = link_of(agent, "fd/0");
    CHECK(socket.starts_with("socket:["));
    CHECK(link_of(agent, "fd/1") == socket);
    CHECK(link_of(agent, "fd/2") == socket);
  }
}

TEST_CASE("With private mounts asked for, an agent holds them and nothing else") {
  NSENTERD_NEEDS(missing_for_containers());
  const UniqueFd file(::open("/etc/passwd", O_RDONLY));
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const launch::ForkServer server = start_fork_server();
  const Target target = Target::open(container.pid()).value();
  const std::uint32_t all_but_time = Namespaces::all().flags();
  for (const auto& [procfs, sysfs] : {std::pair(false, false), {true, false}, {false, true}, {true, true}}) {
    CAPTURE(procfs, sysfs);
    const nsjoin::JoinPlan plan{.join = all_but_time, .private_procfs = procfs, .private_sysfs = sysfs};
    const WaitingAgent agent = spawn(server, plan, target.pidfd());
    const pid_t pid = agent.process.pid();
    REQUIRE(waits_for_request(pid));
    std::set<std::string> mounts;
    const std::string socket = link_of(pid, "fd/0");
    for (const int fd : descriptors_of(pid)) {
      const std::string name = "fd/" + std::to_string(fd);
      if (fd <= 2) {
        CHECK(link_of(pid, name) == socket);
        continue;
      }
      struct statfs filesystem {};
      REQUIRE(::statfs(proc_path(pid, name).c_str(), &filesystem) == 0);
      CHECK(mounts
                .insert(filesystem.f_type == PROC_SUPER_MAGIC ? "procfs"
                        : filesystem.f_type == SYSFS_MAGIC    ? "sysfs"
                                                              : link_of(pid, name))
                .second);
    }
    std::set<std::string> expected;
    if (procfs) expected.insert("procfs");
    if (sysfs) expected.insert("sysfs");
    CHECK(mounts == expected);
    // Nothing of it can be seen in the container.
    CHECK(read_file(proc_path(pid, "mountinfo")) == read_file(proc_path(container.pid(), "mountinfo")));
  }
}

TEST_CASE("An agent ends by itself when it has taken a personality, and waits for more when it has not") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const launch::ForkServer server = start_fork_server();
  const Target target = Target::open(container.pid()).value();
  const Message plain = request::read_file("/etc/passwd");
  for (const Message& message : {plain, request::on_behalf(plain)}) {
    const auto requests = service::check_requests(message, {}).value();
    CAPTURE(requests.is_list);
    const WaitingAgent agent = spawn(server, {.join = Namespaces::all().flags()}, target.pidfd());
    const auto kind = requests.is_list ? wire::FrameKind::request_list : wire::FrameKind::request;
    REQUIRE(wire::send_frame(agent.socket.get(), kind, requests.text));
    wire::FrameHeader header{};
    REQUIRE(wire::receive_exactly(agent.socket.get(), &header, sizeof header));
    std::string response(header.length, '\0');
    REQUIRE(wire::receive_exactly(agent.socket.get(), response.data(), response.size()));
    CHECK(response.starts_with(R"({"message":"readFileResponse")"));
    // It reads no second request: the other end is closed.
    pollfd end{agent.socket.get(), POLLIN, 0};
    CHECK(::poll(&end, 1, requests.is_list ? 5000 : 100) == (requests.is_list ? 1 : 0));
  }
}

TEST_CASE("An agent is a child of the embedding program, in no directory of the host") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto event = session.hold({.target = container.pid(), .namespaces = Namespaces::all()});
  const pid_t agent = event->event.process_id();
  CHECK(status_field(agent, "PPid") == std::to_string(::getpid()));
  CHECK(status_field(agent, "Threads") == "1");
  CHECK(innermost_pid(agent) > 1);
  struct stat root {};
  REQUIRE(::stat(container.root().c_str(), &root) == 0);
  for (const char* name : {"cwd", "root"}) {
    struct stat place {};
    REQUIRE(::stat(proc_path(agent, name).c_str(), &place) == 0);
    CHECK(place.st_dev == root.st_dev);
    CHECK(place.st_ino == root.st_ino);
  }
  const auto outside = session.hold({.target = container.pid()});
  CHECK(link_of(outside->event.process_id(), "cwd") == "/");
  // Nothing of the embedding program's.
  CHECK(read_file(proc_path(agent, "environ")) == std::string("GLIBC_TUNABLES=glibc.pthread.rseq=0") + '\0');
}

TEST_CASE("An agent runs from a sealed copy of its program") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto event = session.hold({.target = container.pid(), .namespaces = Namespaces::all()});
  const std::string exe = proc_path(event->event.process_id(), "exe");
  CHECK(link_of(event->event.process_id(), "exe") == "/memfd:nsenter-agent (deleted)");
  const UniqueFd file(::open(exe.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  CHECK(::fcntl(file.get(), F_GET_SEALS) == (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  CHECK_FALSE(UniqueFd(::open(exe.c_str(), O_WRONLY | O_CLOEXEC)));
}

TEST_CASE("The container's root can neither read nor trace an agent") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  for (const std::uint64_t created : {std::uint64_t{0}, std::uint64_t{CLONE_NEWNET}}) {
    CAPTURE(created);
    const auto event =
        session.hold({.target = container.pid(), .namespaces = Namespaces::all(), .clone_flags = created});
    const pid_t agent = event->event.process_id();
    // The files of a process that is not dumpable belong to root of the user namespace its memory was made
    // in.
    struct stat memory {};
    REQUIRE(::stat(proc_path(agent, "mem").c_str(), &memory) == 0);
    CHECK(memory.st_uid == 0);
    CHECK(status_field(agent, "Uid").starts_with("100000\t"));
    const std::string inside = "/proc/" + std::to_string(innermost_pid(agent));
    // What the container's root may do to its own processes, so that the refusals below mean something.
    CHECK(container.exec({"cat", "/proc/1/environ"}).status == 0);
    CHECK(container.exec({"ls", "/proc/1/fd"}).status == 0);
    CHECK(container.output_of({"cat", inside + "/comm"}) == "nsenter-agent\n");
    for (const char* file : {"/environ", "/maps", "/mem", "/auxv", "/syscall", "/stack"}) {
      CAPTURE(file);
      CHECK(container.exec({"cat", inside + file}).status != 0);
    }
    for (const char* link : {"/exe", "/cwd", "/root", "/ns/mnt", "/fd/0"}) {
      CAPTURE(link);
      CHECK(container.exec({"readlink", inside + link}).status != 0);
    }
    CHECK(container.exec({"ls", inside + "/fd"}).status != 0);
    CHECK(container.exec({"ls", inside + "/cwd/"}).status != 0);
  }
}

TEST_CASE("An agent leaves no core dump") {
  NSENTERD_NEEDS(missing_for_containers());
  Session session;
  const auto event = session.hold({.target = ::getpid()});
  // No core dumps of a process that has seen both sides.
  CHECK(read_file(proc_path(event->event.process_id(), "limits"))
            .find("Max core file size        0                    0") != std::string::npos);
}

TEST_CASE("Agents and the fork server end with the embedding program, however it ends") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t embedding = ::fork();
  REQUIRE(embedding >= 0);
  if (embedding == 0) {
    try {
      Session session;
      const auto plain = session.hold({.target = container.pid()});
      const auto joined = session.hold({.target = container.pid(), .namespaces = Namespaces::all()});
      const auto forked = session.hold(
          {.target = container.pid(), .namespaces = Namespaces::all(), .clone_flags = CLONE_NEWPID});
      const std::array<pid_t, 4> pids{session.fork_server(), plain->event.process_id(),
                                      joined->event.process_id(), forked->event.process_id()};
      if (::write(write_end.get(), pids.data(), sizeof pids) != sizeof pids) ::_exit(2);
      for (;;) ::pause();
    } catch (...) {
      ::_exit(1);
    }
  }
  write_end.reset();
  std::array<pid_t, 4> pids{};
  REQUIRE(::read(read_end.get(), pids.data(), sizeof pids) == sizeof pids);
  for (const pid_t pid : pids) CHECK(process_name(pid) == "nsenter-agent");
  ::kill(embedding, SIGKILL);
  REQUIRE(::waitpid(embedding, nullptr, 0) == embedding);
  for (const pid_t pid : pids) {
    CHECK(wait_until([&] { return !process_exists(pid) || status_field(pid, "State").starts_with("Z"); },
                     std::chrono::seconds(1)));
  }
}

}  // namespace nsenterd::test
