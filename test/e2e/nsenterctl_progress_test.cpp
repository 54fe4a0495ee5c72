// The line about what takes long, and colours: on a terminal, and nowhere else.
#include <string>
#include <vector>

#include "nsenterctl.hpp"
#include "support/precondition.hpp"
#include "terminal.hpp"

namespace nsenterd::test {
namespace {

constexpr char kSleep[] = R"({"message":"sleepRequest","payload":{"attr":"3"}})";

/// As CtlFixture::shell, on a terminal.
std::vector<std::string> shell_command(const CtlFixture& fixture, const std::string& line) {
  const std::string ctl = program_under_test("NSENTERCTL") + " --socket " + fixture.daemon.socket().native();
  return {"/bin/sh", "-c", "ctl='" + ctl + "'; " + line};
}

bool has_row_with(const Terminal& terminal, const std::string& text) {
  for (const std::string& row : terminal.rows()) {
    if (row.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("a request that takes long says so, until it ends", "[e2e][cli][progress]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string pid = std::to_string(container.pid());
  Terminal terminal(
      shell_command(fixture, std::string("$ctl --timeout 1m request ") + pid + " '" + kSleep + "'"));
  CHECK(terminal.shows("waiting for 1s of 60s"));
  CHECK(terminal.shows("waiting for 2s of 60s"));
  CHECK(terminal.wait() == 0);
  CHECK_FALSE(has_row_with(terminal, "waiting"));
  CHECK(has_row_with(terminal, "sleepResponse"));
  CHECK(terminal.unknown().empty());
  // Also where it fails.
  Terminal failing(
      shell_command(fixture, std::string("$ctl --timeout 2s request ") + pid + " '" + kSleep + "'"));
  CHECK(failing.shows("waiting for 1s of 2s"));
  CHECK(failing.wait() == 3);
  CHECK_FALSE(has_row_with(failing, "waiting"));
  CHECK(has_row_with(failing, "nsenterctl: timed out"));
}

TEST_CASE("a file that takes long says how far it has come", "[e2e][cli][progress]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string file = (fixture.daemon.socket().parent_path() / "file").string();
  const std::string pid = std::to_string(container.pid());
  CHECK(fixture.shell("head -c 5242880 /dev/zero >" + file).status == 0);
  // Who reads what is read takes his time.
  Terminal reading(
      shell_command(fixture, "$ctl read " + pid + " " + file + " | (sleep 2; cat >/dev/null; sleep 1)"));
  CHECK(reading.shows(" MiB, "));
  CHECK(reading.wait() == 0);
  CHECK_FALSE(has_row_with(reading, "MiB"));
  // What is written is known at the beginning. Nothing is said of what is done at once.
  Terminal writing(shell_command(fixture, "$ctl write " + pid + " " + file + " <" + file));
  CHECK(writing.wait() == 0);
  CHECK(writing.bytes().empty());
}

TEST_CASE("what is no terminal is not told how far it has come", "[e2e][cli][progress]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const auto result = fixture.ctl({"request", std::to_string(container.pid()), kSleep});
  CHECK(result.status == 0);
  CHECK(result.errors.empty());
  // Standard output is one, standard error is not; or it is one that is called dumb.
  const std::string pid = std::to_string(container.pid());
  Terminal terminal(shell_command(fixture, "$ctl request " + pid + " '" + kSleep + "' 2>/dev/null"));
  CHECK(terminal.wait() == 0);
  CHECK(terminal.bytes().find("waiting") == std::string::npos);
  Terminal dumb(shell_command(fixture, "$ctl request " + pid + " '" + kSleep + "'"), {"TERM=dumb"});
  CHECK(dumb.wait() == 0);
  CHECK(dumb.bytes().find("waiting") == std::string::npos);
}

TEST_CASE("there are colours on a terminal, unless the user wants none", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  const auto bytes_of = [&](const std::string& line, const std::vector<std::string>& environment = {}) {
    Terminal terminal(shell_command(fixture, line), environment);
    CHECK(terminal.wait() >= 0);
    return terminal.bytes();
  };
  const std::string red = "\x1b[31mnsenterctl:\x1b[0m no such event: 99";
  const std::string plain = "nsenterctl: no such event: 99";
  CHECK(bytes_of("$ctl terminate 99").find(red) == 0);
  CHECK(bytes_of("$ctl events").find("\x1b[1m   EVENT  STATE") == 0);
  CHECK(bytes_of("$ctl --color never terminate 99").find(plain) == 0);
  CHECK(bytes_of("$ctl terminate 99", {"NO_COLOR=1"}).find(plain) == 0);
  CHECK(bytes_of("$ctl terminate 99", {"NO_COLOR="}).find(red) == 0);
  CHECK(bytes_of("$ctl terminate 99", {"TERM=dumb"}).find(plain) == 0);
  CHECK(bytes_of("$ctl terminate 99 2>&1 | cat").find(plain) == 0);
  CHECK(fixture.of({"events"}).find('\x1b') == std::string::npos);
  CHECK(fixture.of({"--color", "always", "events"}).find('\x1b') != std::string::npos);
  CHECK(fixture.ctl({"--color", "always", "terminate", "99"}).errors.find(red) == 0);
  fixture.refuses({{"events", "--color", "sometimes"}});
}

}  // namespace
}  // namespace nsenterd::test
