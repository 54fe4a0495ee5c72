// nsenterctl top: on a terminal, as tables, and as JSON.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "nsenterctl.hpp"
#include "support/event_client.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "terminal.hpp"

namespace nsenterd::test {
namespace {

std::vector<std::string> top_command(const ServerProcess& daemon, const std::string& interval = "200ms") {
  return {program_under_test("NSENTERCTL"), "--socket", daemon.socket(), "top", "--interval", interval};
}

/// Whether a terminal is as a program gets it.
void check_given_back(Terminal& terminal, const termios& before) {
  CHECK(terminal.in_alternate_screen(false));
  CHECK(terminal.has_cursor());
  CHECK(terminal.unknown().empty());
  const termios after = terminal.modes();
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  CHECK(after.c_oflag == before.c_oflag);
  CHECK(std::equal(std::begin(after.c_cc), std::end(after.c_cc), std::begin(before.c_cc)));
}

/// The modes of a terminal that nobody has changed.
termios fresh_modes() {
  Terminal terminal({"/bin/true"});
  const termios modes = terminal.modes();
  CHECK(terminal.wait() == 0);
  return modes;
}

void ask(EventClient& client, pid_t target, const std::string& file = "/proc/uptime") {
  CHECK(succeeded(client.request(target, read_request(file))));
}

TEST_CASE("top shows what containers are asked for, and gives the terminal back at q", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  ask(client, container.pid());
  ask(client, container.pid(), "/does/not/exist");
  const termios before = fresh_modes();
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows("since the daemon's start"));
  CHECK(terminal.shows("readFileRequest"));
  CHECK(terminal.in_alternate_screen(true));
  CHECK_FALSE(terminal.has_cursor());
  CHECK((terminal.modes().c_lflag & (ECHO | ICANON)) == 0);
  // The container's process, with what it is called.
  CHECK(terminal.shows(std::to_string(container.pid()) + "  " + process_name(container.pid())));
  CHECK(terminal.shows("agents:   0 running, 0 warm, 0 stuck"));
  const std::string event = client.start_sleep(container.pid());
  CHECK(terminal.shows("agents:   1 running, 0 warm, 0 stuck"));
  CHECK(terminal.shows("events:   1 under way, the oldest for "));
  CHECK(succeeded(client.terminate(event)));
  CHECK(terminal.shows("events:   0 under way"));
  // Rates are those of an interval, and go back to nothing.
  CHECK(terminal.shows("rates:    0.0 requests/s, 0.0 errors/s, 0.0 failures/s, over 0.2s"));
  terminal.type("xq");
  CHECK(terminal.wait() == 0);
  check_given_back(terminal, before);
}

TEST_CASE("top gives the terminal back when a signal ends it", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const termios before = fresh_modes();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    INFO(signal);
    Terminal terminal(top_command(daemon));
    CHECK(terminal.in_alternate_screen(true));
    CHECK(terminal.shows("nsenterd: up"));
    ::kill(terminal.pid(), signal);
    CHECK(terminal.wait() == 128 + signal);
    check_given_back(terminal, before);
  }
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows("nsenterd: up"));
  terminal.type("\x03");
  CHECK(terminal.wait() == 128 + SIGINT);
  check_given_back(terminal, before);
}

TEST_CASE("top gives the terminal back while it is stopped", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const termios before = fresh_modes();
  // Of a shell's own process group, and so no orphan: SIGTSTP stops it.
  const std::string line = "set -m; " + program_under_test("NSENTERCTL") + " --socket " +
                           daemon.socket().string() +
                           " top --interval 200ms; echo stopped $?; read -r; fg >/dev/null; exit 7";
  Terminal terminal({"/bin/bash", "-c", line});
  CHECK(terminal.shows("nsenterd: up"));
  terminal.type("\x1a");
  CHECK(terminal.shows("stopped " + std::to_string(128 + SIGTSTP)));
  check_given_back(terminal, before);
  terminal.type("\n");
  CHECK(terminal.in_alternate_screen(true));
  CHECK(terminal.shows("nsenterd: up"));
  CHECK((terminal.modes().c_lflag & (ECHO | ICANON)) == 0);
  terminal.type("q");
  CHECK(terminal.wait() == 7);
  check_given_back(terminal, before);
}

TEST_CASE("top takes the terminal again when it is continued, whatever others have made of that",
          "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const termios before = fresh_modes();
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows("nsenterd: up"));
  // This one nobody is told of.
  ::kill(terminal.pid(), SIGSTOP);
  terminal.set_modes(before);
  ::kill(terminal.pid(), SIGCONT);
  CHECK(wait_until([&] { return (terminal.modes().c_lflag & (ECHO | ICANON)) == 0; }));
  terminal.type("q");
  CHECK(terminal.wait() == 0);
  check_given_back(terminal, before);
}

TEST_CASE("top goes on where nobody could continue it", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  // The first process of its session: the kernel does not let Ctrl-Z stop it.
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows("nsenterd: up"));
  terminal.type("\x1a");
  CHECK(terminal.says("\x1b[?1049l"));
  CHECK(terminal.in_alternate_screen(true));
  CHECK(terminal.shows("nsenterd: up"));
  CHECK((terminal.modes().c_lflag & (ECHO | ICANON)) == 0);
  terminal.type("q");
  CHECK(terminal.wait() == 0);
}

TEST_CASE("top fits into the terminal, also into one whose size changes", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  EventClient client(daemon);
  ask(client, container.pid());
  Terminal terminal(top_command(daemon, "1m"), {}, 5, 30);
  CHECK(terminal.shows("rates:"));
  CHECK_FALSE(terminal.rows()[0].empty());
  CHECK_FALSE(terminal.shows("MESSAGE"));
  // At once, not at the next look.
  terminal.resize(30, 120);
  CHECK(terminal.shows("readFileRequest"));
  CHECK(terminal.shows("failures/s, since the daemon's start"));
  terminal.resize(2, 10);
  CHECK(terminal.shows("nsenterd: "));
  terminal.type("q");
  CHECK(terminal.wait() == 0);
  CHECK(terminal.unknown().empty());
}

TEST_CASE("top goes on with a daemon that is started again, and says so", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  Daemon daemon;
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows("over 0.2s"));
  daemon.end(SIGKILL);
  CHECK(terminal.shows("ECONNREFUSED"));
  daemon.start_again();
  CHECK(terminal.shows("the connection to the daemon was lost, and made anew"));
  CHECK(terminal.shows("over 0.2s"));
  daemon.end(SIGKILL);
  CHECK(terminal.shows("ECONNREFUSED"));
  terminal.type("q");
  CHECK(terminal.wait() == 0);
  CHECK(terminal.unknown().empty());
}

/// A process with a mount namespace of its own, which is called anything. Ended when destroyed.
class NamedProcess {
 public:
  explicit NamedProcess(const std::string& name) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::setenv("NAME", name.c_str(), 1);
    ::execlp(
        "unshare", "unshare", "--mount", "python3", "-c",
        "import ctypes,os,time; ctypes.CDLL(None).prctl(15, os.environb[b'NAME'], 0, 0, 0); time.sleep(60)",
        static_cast<char*>(nullptr));
    ::_exit(127);
  }
  NamedProcess(const NamedProcess&) = delete;
  NamedProcess& operator=(const NamedProcess&) = delete;
  ~NamedProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST_CASE("a process's name cannot forge what top shows", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_programs({"python3"}));
  const NamedProcess hostile("\x1b[2J\n\x1b[Hroot");
  REQUIRE(wait_until([&] { return process_name(hostile.pid()).find('\x1b') != std::string::npos; }));
  const Daemon daemon;
  EventClient client(daemon);
  ask(client, hostile.pid());
  Terminal terminal(top_command(daemon));
  CHECK(terminal.shows(std::to_string(hostile.pid()) + "  \\x1b[2J\\n\\x1b[Hroot"));
  CHECK(terminal.shows("nsenterd: up"));
  CHECK(terminal.unknown().empty());
  terminal.type("q");
  CHECK(terminal.wait() == 0);
}

TEST_CASE("top prints tables, or JSON, where there is no terminal", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient client(fixture.daemon);
  for (int i = 0; i < 3; ++i) ask(client, container.pid());
  const std::string tables = fixture.of({"top", "--count", "2", "--interval", "100ms"});
  CHECK(tables.find('\x1b') == std::string::npos);
  CHECK(tables.find("since the daemon's start") != std::string::npos);
  CHECK(tables.find("0.0 failures/s, over 0.1s") != std::string::npos);
  CHECK(tables.find("readFileRequest") != std::string::npos);

  const std::string json = fixture.of({"top", "--count", "2", "--interval", "500ms", "--json"});
  CHECK(std::count(json.begin(), json.end(), '\n') == 2);
  const Json first = Json::parse(json.substr(0, json.find('\n')));
  CHECK(first["sinceStart"] == true);
  CHECK(first["requestsPerSecond"] > 0);
  REQUIRE(first["targets"].size() == 1);
  CHECK(first["targets"][0]["pid"] == container.pid());
  CHECK(first["targets"][0]["requestsPerSecond"] == first["requestsPerSecond"]);
  CHECK(first["targets"][0]["meanMicroseconds"] > 0);
  CHECK(first["messages"][0]["message"] == "readFileRequest");
  const Json second = Json::parse(json.substr(json.find('\n')));
  CHECK(second["sinceStart"] == false);
  CHECK(second["requestsPerSecond"] == 0);
  CHECK(second["intervalSeconds"] >= 0.5);
  CHECK(second["intervalSeconds"] < 5);
  CHECK(second["targets"][0]["meanMicroseconds"].is_null());
}

TEST_CASE("what is wrong with top is said", "[e2e][cli][top]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses(
      {{"top", "--interval", "99ms"}, {"top", "--interval", "1"}, {"top", "--count", "0"}, {"top", "1"}});
  const auto absent = run({program_under_test("NSENTERCTL"), "--socket", "/does/not/exist", "top"});
  CHECK(absent.status == 3);
  CHECK(absent.output.empty());
}

}  // namespace
}  // namespace nsenterd::test
