// The configuration file: what it takes, what it says of mistakes, and that it is documented.
#include "daemon/configuration.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/settings.hpp"
#include "support/catch.hpp"
#include "support/processes.hpp"

namespace nsenterd::daemon {
namespace {

/// A file of that content, which only its owner may write.
class File {
 public:
  explicit File(const std::string& content) {
    std::string pattern = "/tmp/nsenterd-test-XXXXXX";
    const int descriptor = ::mkstemp(pattern.data());
    REQUIRE(descriptor >= 0);
    ::close(descriptor);
    path_ = pattern;
    std::ofstream(path_) << content;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove(path_); }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What is wrong with a file of that content, a line each, without the file's name.
std::string errors_of(const std::string& content) {
  const File file(content);
  const auto loaded = load_configuration(file.path());
  if (loaded) return "";
  std::string text;
  for (const std::string& line : loaded.error().lines) {
    REQUIRE(line.starts_with(file.path().native() + ":"));
    text += line.substr(file.path().native().size() + 1) + "\n";
  }
  return text;
}

Configuration load(const std::string& content) {
  return load_configuration(File(content).path()).value();
}

/// The example with all of its defaults set.
std::string example() {
  const std::string text = test::read_file(NSENTERD_EXAMPLE_CONFIGURATION);
  return std::regex_replace(text, std::regex("(^|\\n)#(?=[a-z0-9])"), "$1");
}

}  // namespace

TEST_CASE("an empty configuration is that of the defaults", "[configuration]") {
  CHECK(changes_between(Configuration(), load("")).applicable.empty());
  CHECK(changes_between(Configuration(), load("# nothing\n[limits]\n")).applicable.empty());
}

TEST_CASE("the example has every key, with its default", "[configuration]") {
  const std::string text = example();
  // Users and groups have no default: the example has one of each.
  const Configuration loaded = load(text);
  CHECK(loaded.access.users == std::map<uid_t, Reach>{{1000, Reach::owned}});
  CHECK(loaded.access.groups == std::map<gid_t, Reach>{{1000, Reach::all}});
  Configuration without = loaded;
  without.access = {};
  CHECK(changes_between(Configuration(), without).applicable.empty());
  CHECK(changes_between(Configuration(), without).at_restart.empty());
  const std::string page = test::read_file(NSENTERD_CONFIGURATION_PAGE);
  for (const Setting& setting : settings()) {
    CAPTURE(setting.name);
    const auto dot = setting.name.find('.');
    const std::string key = setting.name.substr(dot + 1);
    const auto section = text.find("[" + setting.name.substr(0, dot) + "]\n");
    REQUIRE(section != std::string::npos);
    const bool is_table = text.find("[" + setting.name + "]\n") != std::string::npos;
    CHECK((is_table || text.find("\n" + key + " = ", section) != std::string::npos));
    CHECK(page.find("*" + key + "*") != std::string::npos);
  }
}

TEST_CASE("every key changes what it names, and nothing else", "[configuration]") {
  const std::map<std::string, std::string> values{
      {"socket.path", "'/x'"},
      {"access.allow-host-targets", "true"},
      {"access.users", "{ root = 'owned', 4711 = 'all' }"},
      {"access.groups", "{ 4711 = 'owned' }"},
      {"limits.message-size", "'1MiB'"},
      {"limits.message-depth", "32"},
      {"limits.message-descriptors", "4"},
      {"limits.connections", "5"},
      {"limits.connections-of-user", "6"},
      {"limits.events", "7"},
      {"limits.events-of-user", "8"},
      {"limits.message-time", "'9s'"},
      {"limits.reply-time", "'100ms'"},
      {"limits.reply-size", "'1GiB'"},
      {"deadlines.default", "'1s'"},
      {"deadlines.maximum", "'1h'"},
      {"deadlines.drain", "'0s'"},
      {"warm-agents.total", "0"},
      {"warm-agents.of-target", "1"},
      {"warm-agents.idle-time", "'2m'"},
      {"warm-agents.age", "'3m'"},
      {"logging.level", "'debug'"},
      {"logging.format", "'json'"},
      {"logging.audit", "'all'"},
      {"logging.rate-limit", "0"},
      {"logging.rate-interval", "'1s'"},
      {"metrics.file", "'/x'"},
      {"metrics.interval", "'1s'"},
  };
  CHECK(values.size() == settings().size());
  for (const Setting& setting : settings()) {
    CAPTURE(setting.name);
    const auto changes =
        changes_between(Configuration(), load(setting.name + " = " + values.at(setting.name)));
    const std::vector<std::string> expected{setting.name};
    CHECK((setting.applicable ? changes.applicable : changes.at_restart) == expected);
    CHECK((setting.applicable ? changes.at_restart : changes.applicable).empty());
  }
}

TEST_CASE("what is wrong is named with its line and key, all of it at once", "[configuration]") {
  CHECK(errors_of("[limits]\nevents = 100\nevnts = 3\n[sockets]\npath = ''\n[access.users]\n"
                  "zork-zork = 'all'\n1000 = 'some'\n4294967295 = 'all'\n-1 = 'all'\n") ==
        "3: limits.evnts: is no key that there is\n"
        "4: sockets: is no table that there is\n"
        "7: access.users.zork-zork: is no user of this system\n"
        "8: access.users.1000: is to be \"all\" or \"owned\"\n"
        "9: access.users.4294967295: is no user of this system\n"
        "10: access.users.-1: is no user of this system\n");
  CHECK(errors_of("limits = 3\n") == "1: limits: is to be a table\n");
  CHECK(errors_of("[access]\n\nusers = ['root']\n") == "3: access.users: is to be a table\n");
  CHECK(errors_of("[deadlines]\nmaximum = '5s'\n") ==
        "2: deadlines.default: is to be at most deadlines.maximum\n");
  CHECK(errors_of("[deadlines]\nmaximum = '5s'\ndefault = '6s'\n") ==
        "3: deadlines.default: is to be at most deadlines.maximum\n");
  CHECK(errors_of("[limits]\nevents = 1\nevents = 2\n").starts_with("3: "));
  CHECK(errors_of("a = [\n").starts_with("1: "));
  CHECK(errors_of("[limits]\nevents = \"\xff\"\n").starts_with("2: "));
}

TEST_CASE("a value of the wrong type or size is refused", "[configuration]") {
  const auto is_wrong = [](const std::string& section, const std::string& line) {
    CAPTURE(line);
    const auto key = line.substr(0, line.find(' '));
    const std::string errors = errors_of("[" + section + "]\n" + line + "\n");
    CHECK(errors.starts_with("2: " + section + "." + key + ": is to be "));
    CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
  };
  for (const char* line : {"events = 0",
                           "events = -1",
                           "events = 1000001",
                           "events = 1.0",
                           "events = '7'",
                           "events = true",
                           "events = 99999999999",
                           "message-size = 5",
                           "message-size = '1KiB'",
                           "message-size = 'x'",
                           "message-size = '65MiB'",
                           "message-size = '-1MiB'",
                           "message-size = 'MiB'",
                           "message-size = ''",
                           "message-size = '1e6'",
                           "message-descriptors = 17",
                           "message-time = 10",
                           "message-time = '10'",
                           "message-time = '-10s'",
                           "message-time = '10 parsecs'",
                           "message-time = '61m'",
                           "message-time = 's'",
                           "message-time = '1.5s'",
                           "message-time = '99999999999999999999s'"}) {
    is_wrong("limits", line);
  }
  is_wrong("access", "allow-host-targets = 1");
  is_wrong("access", "allow-host-targets = 'yes'");
  is_wrong("socket", "path = 'x'");
  is_wrong("socket", "path = ''");
  is_wrong("logging", "level = 'loud'");
  is_wrong("logging", "format = 7");
  is_wrong("metrics", "file = 'relative'");
}

TEST_CASE("nobody is given what belongs to everybody without a number", "[configuration]") {
  const std::string nobody = test::read_file("/proc/sys/kernel/overflowuid");
  CHECK(errors_of("[access.users]\n" + nobody.substr(0, nobody.size() - 1) + " = 'all'\n") ==
        "2: access.users." + nobody.substr(0, nobody.size() - 1) +
            ": is what the kernel calls every user that it has no number for\n");
  CHECK_FALSE(errors_of("[access.groups]\nnogroup = 'all'\n").empty());
}

TEST_CASE("a file that others may write, or that is none, is refused", "[configuration]") {
  const File file("[limits]\n");
  const auto error = [](const std::filesystem::path& path) {
    const auto loaded = load_configuration(path);
    return loaded ? std::string() : loaded.error().lines.front().substr(path.native().size());
  };
  CHECK(error(file.path()).empty());
  for (const mode_t mode : {0620U, 0602U, 0666U}) {
    ::chmod(file.path().c_str(), mode);
    CHECK(error(file.path()) == ": may be written by others than root");
  }
  ::chmod(file.path().c_str(), 0644);
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.path().c_str(), 1000, 0) == 0);
    CHECK(error(file.path()) == ": may be written by others than root");
    REQUIRE(::chown(file.path().c_str(), 0, 0) == 0);
  }
  CHECK(error("/dev/null") == ": is no regular file");
  CHECK(error("/tmp") == ": is no regular file");
  CHECK(error("/nonexistent/file") == ": no such file or directory");
  const std::filesystem::path fifo = file.path().native() + ".fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(error(fifo) == ": is no regular file");
  std::filesystem::remove(fifo);
  std::ofstream(file.path()) << std::string((1U << 20U) + 1, '#');
  CHECK(error(file.path()) == ": is too large");
}

TEST_CASE("what differs between two configurations is told by key", "[configuration]") {
  const Configuration before = load("[limits]\nevents = 7\n");
  const Configuration after = load(
      "[limits]\nevents = 8\n[socket]\npath = '/x'\n[access.users]\n1 = 'all'\n[logging]\nformat = 'json'\n");
  const auto changes = changes_between(before, after);
  CHECK(changes.applicable == std::vector<std::string>{"access.users", "limits.events"});
  CHECK(changes.at_restart == std::vector<std::string>{"socket.path", "logging.format"});
}

}  // namespace nsenterd::daemon
