// nsenterctl about events: events, terminate, status.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsenterctl.hpp"
#include "support/event_client.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// nsenterctl, running beside the test.
class Background {
 public:
  Background(const CtlFixture& fixture, std::vector<std::string> arguments)
      : output_(fixture.daemon.socket().parent_path() / "output") {
    arguments.insert(arguments.begin(),
                     {program_under_test("NSENTERCTL"), "--socket", fixture.daemon.socket()});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int file = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background() { end(SIGKILL); }

  /// What it has said, once that is so many lines.
  [[nodiscard]] std::vector<std::string> lines(std::size_t count) const {
    std::vector<std::string> lines;
    wait_until([&] {
      lines.clear();
      std::istringstream text(std::filesystem::exists(output_) ? read_file(output_) : "");
      for (std::string line; std::getline(text, line);) lines.push_back(line);
      return lines.size() >= count;
    });
    REQUIRE(lines.size() == count);
    return lines;
  }
  /// As ServerProcess::end.
  int end(int signal) {
    if (pid_ <= 0) return -1;
    ::kill(pid_, signal);
    int status = 0;
    if (!wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  std::filesystem::path output_;
  pid_t pid_ = 0;
};

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream text(line);
  return {std::istream_iterator<std::string>(text), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

const std::vector<std::string> kTitles{"EVENT", "STATE", "PROCESS", "TARGET", "MODE", "AGE", "MESSAGE"};

TEST_CASE("events shows a table of the events under way", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  const std::string empty = fixture.of({"events"});
  CHECK(words_of(empty) == kTitles);
  EventClient owner(fixture.daemon);
  Json first = owner.start(container.pid(), sleep_request(60));
  Json second = owner.start(0, sleep_request(60), {{"targetEvent", first["event"]}});
  const auto lines = lines_of(fixture.of({"events"}));
  REQUIRE(lines.size() == 3);
  CHECK(words_of(lines[0]) == kTitles);
  auto words = words_of(lines[1]);
  REQUIRE(words.size() == 7);
  CHECK(words[5].ends_with("s"));
  words.erase(words.begin() + 5);
  CHECK(words == std::vector<std::string>{first["event"].get<std::string>(), "running",
                                          std::to_string(first["processId"].get<pid_t>()),
                                          std::to_string(container.pid()), "async", "sleepRequest"});
  CHECK(words_of(lines[2])[3] == "-");
  // The columns are in line.
  CHECK(lines[0].find("STATE") == lines[1].find("running"));
  CHECK(lines[0].find("MESSAGE") == lines[2].find("sleepRequest"));

  const std::string json = fixture.of({"events", "--json"});
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  Json list = Json::parse(json)["events"];
  REQUIRE(list.size() == 2);
  CHECK(list[0]["event"] == first["event"]);
  CHECK(list[1]["processId"] == second["processId"]);
}

/// nsenterctl and its answer from a service that says the same to everybody.
CommandResult answered(const std::string& reply, const std::string& command) {
  const char script[] =
      "import socket,sys\n"
      "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
      "while True:\n"
      "  c,_=s.accept()\n"
      "  if c.recv(4096): c.sendall(sys.argv[2].encode()+b'\\0')\n"
      "  c.close()\n";
  const ServerProcess service({"python3", "-c", script, "{socket}", reply});
  return run({program_under_test("NSENTERCTL"), "--socket", service.socket(), command});
}

TEST_CASE("what the daemon passes on is shown escaped", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_programs({"python3"}));
  const Json event{{"event", "1\x1b"}, {"processId", 1},       {"message", "evil\x1b[31m\n"},
                   {"async", true},    {"state", "running\r"}, {"ageMicroseconds", 1}};
  const auto table = answered(Json{{"parameters", {{"events", {event}}}}}.dump(), "events");
  CHECK(table.status == 0);
  const auto lines = lines_of(table.output);
  REQUIRE(lines.size() == 2);
  CHECK(words_of(lines[1]) ==
        std::vector<std::string>{"1\\x1b", "running\\r", "1", "-", "async", "1.0us", "evil\\x1b[31m\\n"});
}

TEST_CASE("an answer about events that makes no sense has exit status 3", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_programs({"python3"}));
  for (const char* reply :
       {R"({"parameters":{}})", R"({"parameters":{"events":[{"event":1}]}})",
        R"({"parameters":{"events":{}}})", R"({"parameters":{"events":[]},"continues":true})"}) {
    INFO(reply);
    const auto result = answered(reply, "events");
    CHECK(result.status == 3);
    CHECK(result.output.empty());
    CHECK(lines_of(result.errors).size() == 1);
    CHECK(answered(reply, "status").status == 3);
  }
}

TEST_CASE("events --follow goes on with a line for every change, until Ctrl-C", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient owner(fixture.daemon);
  const std::string before = owner.start_sleep(container.pid());
  Background following(fixture, {"events", "--follow"});
  CHECK(words_of(following.lines(2)[1])[0] == before);
  const std::string event = owner.start_sleep(container.pid());
  CHECK(following.lines(4).size() == 4);
  CHECK(fixture.of({"terminate", event}).empty());
  const auto lines = following.lines(6);
  const auto state_of = [&](std::size_t line) {
    const auto words = words_of(lines[line]);
    CHECK(words[0] == event);
    return words[1];
  };
  CHECK(state_of(2) == "starting");
  CHECK(state_of(3) == "running");
  CHECK(state_of(4) == "terminating");
  CHECK(state_of(5) == "finished");
  CHECK(following.end(SIGINT) == 128 + SIGINT);
}

TEST_CASE("events --follow --json goes on with a line of JSON for every change", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient owner(fixture.daemon);
  Background following(fixture, {"events", "--follow", "--json"});
  CHECK(following.lines(1)[0] == R"({"events":[]})");
  CHECK(succeeded(owner.request(container.pid(), sleep_request(0))));
  const auto lines = following.lines(4);
  const char* const states[] = {"starting", "running", "finished"};
  for (std::size_t i = 0; i < 3; ++i) {
    Json change = Json::parse(lines[i + 1])["events"];
    REQUIRE(change.size() == 1);
    CHECK(change[0]["state"] == states[i]);
  }
}

TEST_CASE("events --follow ends with the daemon", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  for (const int signal : {SIGTERM, SIGKILL}) {
    CtlFixture fixture;
    Background following(fixture, {"events", "--follow"});
    CHECK(following.lines(1).size() == 1);
    fixture.daemon.end(signal);
    // A daemon that drains says that there is no more; one that is killed does not.
    CHECK(following.end(0) == (signal == SIGTERM ? 0 : 3));
    CHECK(following.lines(signal == SIGTERM ? 1 : 2).size() > 0);
  }
}

TEST_CASE("events --follow does not outlive the reader of its output", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient owner(fixture.daemon);
  const std::string event = owner.start_sleep(container.pid());
  const auto result = fixture.shell(
      "(CTL events --follow; echo status $? >&2) | head -n 2 | (cat; CTL terminate " + event + ")");
  CHECK(lines_of(result.output).size() == 2);
  CHECK(result.errors == "status 0\n");
}

TEST_CASE("terminate ends events, and says which there have never been", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient owner(fixture.daemon);
  const std::string first = owner.start_sleep(container.pid());
  const std::string second = owner.start_sleep(container.pid());
  const std::string third = owner.start_sleep(container.pid());
  CHECK(fixture.of({"terminate", first}).empty());
  CHECK(fixture.daemon.agents().size() == 2);
  // Once more is no error.
  CHECK(fixture.of({"terminate", first}).empty());
  const auto result = fixture.ctl({"terminate", "1000000", second, "x\n", third});
  CHECK(result.status == 3);
  CHECK(result.output.empty());
  CHECK(result.errors == "nsenterctl: no such event: 1000000\nnsenterctl: no such event: x\\n\n");
  CHECK(fixture.daemon.agents().empty());
  CHECK(fixture.ctl({"terminate"}).status == 2);
  CHECK(fixture.of({"terminate", "--json", first, second}) ==
        "{\"event\":\"" + first + "\"}\n{\"event\":\"" + second + "\"}\n");
}

TEST_CASE("status shows what the daemon has done", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const CtlFixture fixture;
  EventClient owner(fixture.daemon);
  const std::string idle = fixture.of({"status"});
  CHECK(idle.starts_with("version:  "));
  CHECK(idle.find("\nuptime:   00:00:") != std::string::npos);
  CHECK(idle.ends_with("\nclients:  2\nagents:   0 running, 0 warm, 0 stuck\n"));
  owner.start_sleep(container.pid());
  for (const char* file : {"/proc/uptime", "/proc/uptime", "/does/not/exist"}) {
    CHECK(succeeded(owner.request(container.pid(), read_request(file))));
  }
  const Json timeout{{"timeoutMilliseconds", 20}};
  CHECK(owner.request(container.pid(), sleep_request(60), timeout).contains("error"));
  const std::string text = fixture.of({"status"});
  CHECK(text.find("agents:   1 running, 0 warm, 0 stuck\n\n") != std::string::npos);
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 8 + 10);
  CHECK(words_of(lines[5]) ==
        std::vector<std::string>{"REQUESTS", "ERRORS", "FAILURES", "MEDIAN", "P99", "MESSAGE"});
  const auto reads = words_of(lines[6]);
  REQUIRE(reads.size() == 6);
  CHECK(std::vector(reads.begin(), reads.begin() + 3) == std::vector<std::string>{"3", "1", "0"});
  CHECK(reads[3].ends_with("s"));
  CHECK(reads[5] == "readFileRequest");
  const auto sleeps = words_of(lines[7]);
  REQUIRE(sleeps.size() == 6);
  CHECK(sleeps[2] == "1");
  CHECK(sleeps[4].ends_with("ms"));
  // A step that no event has taken is left out.
  CHECK(words_of(lines[9]) == std::vector<std::string>{"EVENTS", "MEDIAN", "P99", "STEP"});
  std::vector<std::string> steps;
  for (auto line = lines.begin() + 10; line != lines.end(); ++line) {
    const auto words = words_of(*line);
    REQUIRE(words.size() == 4);
    CHECK(words[0] == "3");
    CHECK(words[1].ends_with("s"));
    steps.push_back(words[3]);
  }
  CHECK(steps ==
        std::vector<std::string>{"accept", "parse", "check", "spawn", "join", "operation", "encode", "send"});

  const std::string json = fixture.of({"status", "--json"});
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  Json status = Json::parse(json);
  CHECK(status["version"].is_string());
  CHECK(status["agentsRunning"] == 1);
  CHECK(statistics_of(status, "readFileRequest")["errorResponses"] == 1);
}

TEST_CASE("what is wrong with a command about events is said", "[e2e][cli]") {
  NSENTERD_NEEDS(missing_root());
  const CtlFixture fixture;
  fixture.refuses({{"events", "1"},
                   {"events", "--namespace", "none"},
                   {"status", "--follow"},
                   {"terminate", "\xff"},
                   {"status", "1"}});
  for (const char* command : {"events", "status"}) {
    const auto absent = run({program_under_test("NSENTERCTL"), "--socket", "/does/not/exist", command});
    CHECK(absent.status == 3);
    CHECK(absent.errors.find("ENOENT") != std::string::npos);
  }
}

}  // namespace
}  // namespace nsenterd::test
