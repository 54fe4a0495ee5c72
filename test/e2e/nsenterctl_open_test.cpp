// nsenterctl open: the command that it becomes, and what that has.
#include <fstream>

#include <sys/stat.h>

#include "nsenterctl.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

void check_reading(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell("mkdir -p /tmp/d; printf 'one\\ntwo\\n' > /tmp/d/file");
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "cat"}) == "one\ntwo\n");
  // Its options are its own, also those that nsenterctl has; "--" may stand before it.
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "head", "-n", "1"}) == "one\n");
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "--", "head", "-n", "1"}) == "one\n");
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "echo", "--json", "--", "stat", "--help"}) ==
        "--json -- stat --help\n");
  // The command is the host's, although the file is the container's.
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "readlink", "/proc/self/ns/mnt"}) ==
        test::output_of({"readlink", "/proc/self/ns/mnt"}));
  CHECK(fixture.ctl({"open", pid, "/tmp/d/file", "sh", "-c", "exit 7"}).status == 7);
  fixture.fails("ENOENT", {"open", pid, "/tmp/d/missing", "cat"});
  // It opened the file read-only.
  CHECK(fixture.ctl({"open", pid, "/tmp/d/file", "sh", "-c", "echo >&0"}).status != 0);
}

void check_writing(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  const auto write = [&](std::vector<std::string> options, const std::string& path) {
    std::vector<std::string> command{"open"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {pid, path, "sh", "-c", "echo more >&0"});
    return fixture.ctl(command);
  };
  fixture.container.shell("mkdir -p /tmp/d; rm -f /tmp/d/new; printf 'one\\ntwo\\n' > /tmp/d/file");
  CHECK(write({"--write", "--append"}, "/tmp/d/file").status == 0);
  CHECK(read_file(fixture.on_host("/tmp/d/file")) == "one\ntwo\nmore\n");
  CHECK(write({"--write", "--truncate"}, "/tmp/d/file").status == 0);
  CHECK(read_file(fixture.on_host("/tmp/d/file")) == "more\n");
  CHECK(fixture.of({"open", "--read-write", pid, "/tmp/d/file", "sh", "-c", "cat; echo read >&0"}) ==
        "more\n");
  CHECK(read_file(fixture.on_host("/tmp/d/file")) == "more\nread\n");
  fixture.fails("ENOENT", {"open", "--write", pid, "/tmp/d/new", "true"});
  CHECK(write({"--write", "--create", "--exclusive", "--mode", "4640"}, "/tmp/d/new").status == 0);
  struct stat status {};
  REQUIRE(::stat(fixture.on_host("/tmp/d/new").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 04640);
  CHECK(status.st_uid == fixture.first_id);
  fixture.fails("EEXIST", {"open", "--write", "--create", "--exclusive", pid, "/tmp/d/new", "true"});
}

void check_resolving(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell("mkdir -p /tmp/d; echo text > /tmp/d/file; ln -sfn /tmp/d/file /tmp/d/link");
  CHECK(fixture.of({"open", pid, "/tmp/d/link", "cat"}) == "text\n");
  CHECK(fixture.of({"open", "--resolve", "in-root", pid, "/tmp/d/link", "cat"}) == "text\n");
  fixture.fails("ELOOP", {"open", "--resolve", "no-symlinks", pid, "/tmp/d/link", "cat"});
  fixture.fails("EXDEV", {"open", "--resolve", "beneath", pid, "/tmp/d/file", "cat"});
  fixture.fails("EXDEV", {"open", "--resolve", "no-xdev,no-magiclinks", pid, "/proc/version", "cat"});
  fixture.fails("EIO", {"open", "--verify-fuse", pid, "/tmp/d/file", "cat"});
}

/// Nothing of nsenterctl's own gets into the command.
void check_what_is_inherited(const ContainerFixture& fixture) {
  const std::string& pid = fixture.pid;
  fixture.container.shell("mkdir -p /tmp/d; echo text > /tmp/d/file");
  // What this test was started with is there in any case.
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "ls", "/proc/self/fd"}) ==
        test::output_of({"ls", "/proc/self/fd"}));
  CHECK(fixture.of({"open", pid, "/tmp/d/file", "grep", "SigIgn", "/proc/self/status"}) ==
        test::output_of({"grep", "SigIgn", "/proc/self/status"}));
  // Opened without waiting, read with: no O_NONBLOCK (04000) is left.
  const std::string info = fixture.of({"open", pid, "/tmp/d/file", "grep", "flags", "/proc/self/fdinfo/0"});
  CHECK((std::stoull(info.substr(info.find(':') + 1), nullptr, 8) & 04000) == 0);
  // A standard stream that was closed is closed for it.
  const auto closed = fixture.shell("CTL open " + pid + " /tmp/d/file ls /proc/self/fd 2>&-");
  CHECK(closed.output == fixture.shell("ls /proc/self/fd 2>&-").output);
}

void check_fifo(const ContainerFixture& fixture) {
  fixture.container.shell("mkdir -p /tmp/d; rm -f /tmp/d/fifo; /bin/busybox mkfifo /tmp/d/fifo");
  fixture.fails("ENXIO", {"open", "--write", fixture.pid, "/tmp/d/fifo", "true"});
  CHECK(fixture.of({"open", fixture.pid, "/tmp/d/fifo", "echo", "opened"}) == "opened\n");
}

void check_open(RuncContainer::UserNamespace user_namespace) {
  const ContainerFixture fixture(user_namespace);
  check_reading(fixture);
  check_writing(fixture);
  check_resolving(fixture);
  check_what_is_inherited(fixture);
  check_fifo(fixture);
}

TEST_CASE("a file of a runc container with a user namespace is opened for a command", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  check_open(RuncContainer::UserNamespace::mapped);
}

TEST_CASE("a file of a runc container without a user namespace is opened for a command", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  check_open(RuncContainer::UserNamespace::none);
}

TEST_CASE("a command that cannot be executed has the exit status that a shell gives it", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const ContainerFixture fixture(RuncContainer::UserNamespace::none);
  const auto missing = fixture.ctl({"open", fixture.pid, "/etc/passwd", "no-such-command"});
  CHECK(missing.status == 127);
  CHECK(missing.errors == "nsenterctl: no-such-command: no such file or directory (ENOENT)\n");
  const auto forbidden = fixture.ctl({"open", fixture.pid, "/etc/passwd", "/etc/passwd"});
  CHECK(forbidden.status == 126);
  CHECK(forbidden.errors == "nsenterctl: /etc/passwd: permission denied (EACCES)\n");
}

TEST_CASE("wrong usage of open has exit status 2", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{"open", "1"},
                   {"open", "1", "/f"},
                   {"open", "1", "/f", "--"},
                   {"open", "--json", "1", "/f", "cat"},
                   {"--json", "open", "1", "/f", "cat"},
                   {"open", "1", "/f", "--surplus", "cat"},
                   {"open", "--write", "--read-write", "1", "/f", "cat"},
                   {"open", "--append", "1", "/f", "cat"},
                   {"open", "--exclusive", "1", "/f", "cat"},
                   {"open", "--mode", "600", "1", "/f", "cat"},
                   {"open", "--create", "--mode", "9", "1", "/f", "cat"},
                   {"open", "--resolve", "nowhere", "1", "/f", "cat"},
                   {"open", "--private-proc", "1", "/f", "cat"}});
}

}  // namespace
}  // namespace nsenterd::test
