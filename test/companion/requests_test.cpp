// Requests: odd sizes, many at a time, and those that are given up.
#include <csignal>
#include <fstream>

#include "companion/served_companion.hpp"
#include "support/catch.hpp"
#include "support/event_client.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// A process of the container that is about to read a file, and says what has come of it. runc itself, which has started it, reads below
/// /proc/sys, too.
class Reader {
 public:
  explicit Reader(const CompanionContainer& served)
      : root_(served.container().root()),
        pid_(served.container().start_configured({"/bin/sh", "-c",
                                                  "while ! [ -e /tmp/go ]; do sleep 0.01; done; exec "
                                                  "/bin/probe read /proc/sys/kernel/hostname >/tmp/said"})) {
    wait_until([&] { return process_name(pid_) == "sh"; });
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Returns when the daemon has its event.
  [[nodiscard]] bool begin(EventClient& client) const {
    std::ofstream(root_ / "tmp/go");
    return wait_until([&] { return client.events().size() == 1; });
  }
  [[nodiscard]] std::string said() const {
    const auto file = root_ / "tmp/said";
    return std::filesystem::exists(file) ? read_file(file) : "";
  }

 private:
  std::filesystem::path root_;
  pid_t pid_;
};

}  // namespace

TEST_CASE("reads of any size and at any place bring what they bring from the kernel") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  for (const char* file :
       {"sys/net/core/somaxconn", "sys/net/ipv4/tcp_rmem", "sys/kernel/version", "sys/kernel/panic"}) {
    for (const char* how :
         {"bs=1", "bs=2", "bs=3 skip=1", "bs=1 skip=2", "bs=5", "bs=4096", "bs=300000", "bs=7 skip=9"}) {
      INFO(file << ' ' << how);
      const auto read = [&](const char* proc) {
        return served.shell(std::string("busybox dd 2>/dev/null ") + how + " if=" + proc + file);
      };
      CHECK(read("/proc/") == read("/kernel/"));
    }
  }
}

TEST_CASE("what is written in pieces has the effect that it has in the kernel") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  for (const char* how : {"bs=1", "bs=2", "bs=100", "bs=3 seek=1"}) {
    INFO(how);
    const auto write = [&](const char* proc) {
      const std::string file = std::string(proc) + "sys/net/core/somaxconn";
      return served.shell("echo 4096 >" + file + "; echo 1234 | busybox dd 2>/dev/null conv=notrunc " + how +
                          " of=" + file + "; echo $?; cat " + file);
    };
    CHECK(write("/proc/") == write("/kernel/"));
  }
}

TEST_CASE("many readers at a time all get what is there") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.probe({"readers", "/proc/sys/net/ipv4/tcp_rmem", "32"}) == "32\n");
  CHECK(served.probe({"readers", "/proc/sys/kernel/pid_max", "32"}) == "32\n");
}

TEST_CASE("a reader who gets a signal is let go, and his event ends in the daemon") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  EventClient client(daemon);
  const Reader reader(served);
  {
    const Stopped stopped(daemon.fork_server());
    REQUIRE(reader.begin(client));
    // Others are served meanwhile.
    CHECK(std::stod(read_file(served.tree() / "proc/uptime")) >= 0);
    REQUIRE(::kill(reader.pid(), SIGINT) == 0);
    CHECK(wait_until([&] { return reader.said() == "EINTR\n"; }));
  }
  CHECK(wait_until([&] { return client.events().empty(); }));
  CHECK(wait_until([&] { return daemon.agents().empty(); }));
  CHECK(served.shell("cat /proc/sys/kernel/hostname") == "container\n");
}

TEST_CASE("who waits for an answer when the container is removed is let go") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  EventClient client(daemon);
  const Reader reader(served);
  const Stopped stopped(daemon.fork_server());
  REQUIRE(reader.begin(client));
  REQUIRE(companion.command({"remove", served.name()}).status == 0);
  CHECK(wait_until([&] { return reader.said() == "EINTR\n" || reader.said() == "ENOTCONN\n"; }));
}

TEST_CASE("without a daemon, what needs one fails, and what does not works") {
  NSENTERD_NEEDS(missing_for_containers());
  Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  daemon.end(SIGKILL);
  CHECK(served.container().exec_configured({"/bin/cat", "/proc/sys/kernel/hostname"}).status != 0);
  CHECK(served.shell("cat /proc/swaps").substr(0, 8) == "Filename");
  daemon.start_again();
  CHECK(served.shell("cat /proc/sys/kernel/hostname") == "container\n");
}

}  // namespace nsenterd::test
