// Operations that fail, and paths that mean harm.
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {

TEST_CASE("An operation that fails answers with the errno and the text that Go would give") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto ask = [&](Message request) { return session.ask(inside(container), std::move(request)); };

  const Answer missing = ask(request::lookup("/does/not/exist"));
  CHECK(missing.outcome == "ok");
  CHECK(missing.response.type == "errorResponse");
  CHECK(missing.response.payload ==
        nlohmann::json{{"type", "*fs.PathError"},
                       {"code", ENOENT},
                       {"message", "lstat /does/not/exist: no such file or directory"}});
  CHECK(ask(request::open_file("/none", O_RDONLY)).text() == "open /none: no such file or directory");
  CHECK(ask(request::read_file("/none")).text() == "open /none: no such file or directory");
  CHECK(ask(request::write_file("/none", "")).text() == "open /none: no such file or directory");
  CHECK(ask(request::read_dir("/none")).text() == "open /none: no such file or directory");
  CHECK(ask(request::read_link("/none")).text() == "readlink /none: no such file or directory");
  CHECK(ask(request::lookup("")).error() == ENOENT);

  CHECK(ask(request::read_dir("/etc/passwd")).text() == "open /etc/passwd: not a directory");
  CHECK(ask(request::lookup("/etc/passwd/x")).error() == ENOTDIR);
  CHECK(ask(request::read_link("/etc/passwd")).text() == "readlink /etc/passwd: invalid argument");
  CHECK(ask(request::read_link("/etc")).error() == EINVAL);

  CHECK(ask(request::open_file("/etc", O_WRONLY)).text() == "open /etc: is a directory");
  CHECK(ask(request::write_file("/etc", "YWJj")).error() == EISDIR);
  CHECK(ask(request::read_file("/etc")).text() == "read /etc: is a directory");

  container.shell("echo x > /tmp/x");
  std::filesystem::create_symlink("loop", container.root() / "tmp/loop");
  CHECK(ask(request::open_file("/tmp/loop", O_RDONLY)).text() ==
        "open /tmp/loop: too many levels of symbolic links");
  CHECK(ask(request::read_file("/tmp/loop/x")).error() == ELOOP);
  CHECK(ask(request::lookup("/tmp/loop")).error() == 0);
  CHECK(ask(request::lookup("/" + std::string(NAME_MAX + 1, 'a'))).error() == ENAMETOOLONG);

  CHECK(ask(request::read_file("/tmp/x", Through::container, 0, (8 << 20) + 1)).text() ==
        "read /tmp/x: invalid argument");
  CHECK(ask(request::read_file("/tmp/x", Through::container, 0, 8 << 20)).error() == 0);
}

TEST_CASE("The container's root is refused what is not the container's") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const auto file = container.root() / "tmp/hosts";
  std::ofstream(file) << "secret";
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  Session session;
  CHECK(session.ask(inside(container), request::read_file("/tmp/hosts")).text() ==
        "open /tmp/hosts: permission denied");
  CHECK(session.ask(inside(container), request::write_file("/tmp/hosts", "YWJj")).error() == EACCES);
  CHECK(session.ask(inside(container), request::lookup("/tmp/hosts")).error() == 0);
  container.hand_over(file);
  CHECK(session.ask(inside(container), request::read_file("/tmp/hosts")).bytes() == "secret");
}

TEST_CASE("FIFOs and terminals do not block an event, and give no controlling terminal") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const auto fifo = container.root() / "tmp/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0666) == 0);
  container.hand_over(fifo);
  Session session;
  const auto begin = std::chrono::steady_clock::now();
  const auto ask = [&](Message request) { return session.ask(inside(container), std::move(request)); };
  CHECK(ask(request::open_file("/tmp/fifo", O_RDONLY)).error() == 0);
  CHECK(ask(request::open_file("/tmp/fifo", O_WRONLY)).error() == ENXIO);
  CHECK(ask(request::open_file("/tmp/fifo", O_RDWR)).error() == 0);
  CHECK(ask(request::read_file("/tmp/fifo")).error() == ESPIPE);
  CHECK(ask(request::write_file("/tmp/fifo", "YWJj")).error() == ENXIO);
  CHECK(ask(request::lookup("/tmp/fifo")).error() == 0);
  CHECK(ask(request::read_dir("/tmp/fifo")).error() == ENOTDIR);
  CHECK(ask(request::open_file("/dev/ptmx", O_RDWR)).error() == 0);
  CHECK(ask(request::open_file("/dev/tty", O_RDWR)).error() == ENXIO);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("A process's memory is not opened, whichever path leads to it") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::none);
  Session session;
  container.shell(
      "ln -s /proc/self/mem /mem; ln -s /proc/self/comm /comm; ln -s /etc/hosts /hosts; echo a > /etc/hosts; "
      "mkdir /p; ln -s ../proc/thread-self /p/me");
  for (const char* path :
       {"/mem", "/proc/self/mem", "/proc/thread-self/mem", "/proc/1/mem", "/p/me/mem", "/p/me/pagemap"}) {
    CAPTURE(path);
    CHECK(session.ask(inside(container), request::read_file(path)).error() == EPERM);
    CHECK(session.ask(inside(container), request::open_file(path, O_RDONLY)).error() == EPERM);
  }
  CHECK(session.ask(inside(container), request::write_file("/mem", "YWJj")).error() == EPERM);
  CHECK(session.ask(inside(container), request::write_file("/proc/self/mem", "YWJj")).error() == EPERM);
  CHECK(session.ask(inside(container), request::write_file("/proc/self/mem", "YWJj", Through::procfs))
            .error() == EPERM);
  CHECK(session.ask(inside(container), request::read_file("/comm")).bytes() == "nsenter-agent\n");
  CHECK(session.ask(inside(container), request::read_file("/hosts")).bytes() == "a\n");
}

TEST_CASE("File information does not ask the container for its time zone") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  container.shell("rm -f /etc/localtime; mkfifo /etc/localtime");
  CHECK(session.ask(inside(container), request::lookup("/etc")).error() == 0);
}

TEST_CASE("A private procfs that would be the host's is refused") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  EventParameters parameters = inside(container);
  parameters.clone_flags = CLONE_NEWUSER;
  CHECK(session.ask(parameters, request::read_file("/proc/version", Through::procfs)).outcome ==
        "invalid parameter cloneFlags");
}

TEST_CASE("Below the private procfs nothing leads out of it") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const auto error = [&](Message request) {
    return session.ask(inside(container), std::move(request)).error();
  };
  for (const char* path : {"/proc/1/root/etc/passwd", "/proc/1/cwd/etc/passwd", "/proc/self/root/etc/passwd",
                           "/proc/self/fd/0", "/proc/thread-self/root/etc/passwd", "/proc/self/exe"}) {
    CAPTURE(path);
    CHECK(error(request::read_file(path, Through::procfs)) == ELOOP);
    CHECK(error(request::write_file(path, "YWJj", Through::procfs)) == ELOOP);
    CHECK(error(request::open_file(path, O_RDONLY, Through::procfs)) == ELOOP);
    CHECK(error(request::read_dir(path, Through::procfs)) == ELOOP);
  }
  CHECK(error(request::lookup("/proc/1/root/etc", Through::procfs)) == ELOOP);
  CHECK(error(request::read_link("/proc/1/root/bin/cat", Through::procfs)) == ELOOP);
  for (const char* path : {"/proc/../etc/passwd", "/proc/sys/../../etc/passwd", "/proc/./../etc/passwd",
                           "/proc//../etc/passwd", "/proc/../proc/version"}) {
    CAPTURE(path);
    CHECK(error(request::read_file(path, Through::procfs)) == EXDEV);
    CHECK(error(request::lookup(path, Through::procfs)) == EXDEV);
  }
  CHECK(error(request::read_file("/sys/../etc/passwd", Through::sysfs)) == EXDEV);
  // The links themselves may be looked at.
  CHECK(error(request::lookup("/proc/1/root", Through::procfs)) == 0);
  CHECK(
      session.ask(inside(container), request::read_link("/proc/1/root", Through::procfs)).response.payload ==
      nlohmann::json("/"));
  CHECK(error(request::read_dir("/proc//sys//net/", Through::procfs)) == 0);
  CHECK(error(request::read_dir("/proc/", Through::procfs)) == 0);
  CHECK(error(request::read_file("/proc/self/status", Through::procfs)) == 0);
}

TEST_CASE("A container that fakes its /proc does not fool the private one, nor the join") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  container.shell(
      "mount -t tmpfs tmpfs /proc && mkdir -p /proc/sys/net/core /proc/self/ns && "
      "echo 7 > /proc/sys/net/core/somaxconn && echo fake > /proc/self/status");
  Session session;
  const std::string path = "/proc/sys/net/core/somaxconn";
  CHECK(session.ask(inside(container), request::read_file(path)).bytes() == "7\n");
  CHECK(session.ask(inside(container), request::read_file(path, Through::procfs)).bytes() == "4096\n");
  EventParameters all_new = inside(container);
  all_new.clone_flags = Namespaces::all().flags();
  CHECK(session.ask(all_new, request::read_file(path)).bytes() == "7\n");
}

TEST_CASE("A directory with a name that no JSON string can carry is an error, not a hole") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  std::ofstream(container.root() / "tmp/bad\xff") << "";
  std::filesystem::create_symlink("target\xff", container.root() / "tmp/link");
  Session session;
  CHECK(session.ask(inside(container), request::read_dir("/tmp")).error() == EILSEQ);
  CHECK(session.ask(inside(container), request::read_link("/tmp/link")).error() == EILSEQ);
}

}  // namespace nsenterd::test
