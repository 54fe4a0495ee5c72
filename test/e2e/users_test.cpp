// uidInfo and gidInfo: the container's own lists of users and groups, which may be anything.
#include <chrono>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;
using Kind = ServedContainer::Kind;

constexpr std::size_t kLongestList = 1U << 20U;
constexpr char kAlice[] = "alice:x:1000:1001::/home/alice:/bin/sh\n";
constexpr char kDocker[] = "docker:x:998:alice\n";

/// A list of the container: of users or of groups.
struct List {
  const char* path;
  const char* message;
  const char* key;
  const char* answer;
  const char* kind;
  /// A name in `line`, and its id.
  const char* name;
  const char* id;
  const char* line;
};
constexpr List kUsers{"/etc/passwd", "uidInfo", "user", "uid", "user", "alice", "1000", kAlice};
constexpr List kGroups{"/etc/group", "gidInfo", "group", "gid", "group", "docker", "998", kDocker};

Json request(const List& list, const std::string& name) {
  return {{"message", std::string(list.message) + "Request"}, {"payload", {{list.key, name}}}};
}

/// The id; "unknown", or the errno, if there is none.
std::string id_of(ServedContainer& served, const List& list, const std::string& name) {
  const Json response = served.response(request(list, name));
  const Json& payload = response.at("payload");
  if (response == Json{{"message", std::string(list.message) + "Response"},
                       {"payload", {{list.answer, payload.value(list.answer, "")}}}}) {
    return payload[list.answer];
  }
  const std::string unknown = std::string(list.kind) + ": unknown " + list.kind + " " + name;
  if (payload == Json{{"type", "*errors.errorString"}, {"code", EIO}, {"message", unknown}}) return "unknown";
  if (response.at("message") == "errorResponse") return std::to_string(payload.at("code").get<int>());
  return response.dump();
}

TEST_CASE("a user's and a group's number are those of the container's own lists", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/etc/passwd",
                  "root:x:0:0:root:/root:/bin/sh\n"
                  "www-data:x:33:34:www:/var/www:/bin/false\n" +
                      std::string(kAlice) +
                      "alice:x:7:7::/:/bin/sh\n"
                      "far:x:70000:70000::/:/bin/sh\n"
                      "last:x:4294967294:0::/:/bin/sh\n"
                      "j\xc3\xbcrgen.o'neil-1$:x:1002:1002::/:/bin/sh\n");
  served.put_file("/etc/group", "root:x:0:\nadm:x:4:alice,root\n" + std::string(kDocker) + "both:x:5:\n");
  const auto uid = [&](const char* name) { return id_of(served, kUsers, name); };
  const auto gid = [&](const char* name) { return id_of(served, kGroups, name); };
  CHECK(uid("root") == "0");
  CHECK(uid("www-data") == "33");
  CHECK(uid("alice") == "1000");
  CHECK(uid("far") == "70000");
  CHECK(uid("last") == "4294967294");
  CHECK(uid("j\xc3\xbcrgen.o'neil-1$") == "1002");
  CHECK(gid("root") == "0");
  CHECK(gid("docker") == "998");
  CHECK(gid("adm") == "4");
  // The host has one of this name, the container has not.
  CHECK(uid("daemon") == "unknown");
  CHECK(gid("daemon") == "unknown");
  for (const char* name :
       {"www", "www-data2", "ALICE", "0", "1000", "x", "root:x", "alice:x:1000", "both", " alice"}) {
    CAPTURE(name);
    CHECK(uid(name) == "unknown");
  }
  CHECK(gid("alice") == "unknown");
}

TEST_CASE("lines that are none are skipped", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  for (const List& list : {kUsers, kGroups}) {
    const std::string name = list.name;
    const std::string rest = list.kind == std::string("user") ? ":0::/:/bin/sh\n" : ":\n";
    const auto check = [&](const std::string& content, const std::string& expected) {
      CAPTURE(list.path, content.substr(0, 200), content.size());
      served.put_file(list.path, content);
      CHECK(id_of(served, list, name) == expected);
    };
    check("", "unknown");
    check("\n\n\n", "unknown");
    for (const std::string& bad :
         {"\n\n# a comment\n" + name + "\n", name + ":\n", name + ":x\n", name + ":x:\n",
          std::string(":::::::\n"), name + ":x:" + rest, name + ":x:-1" + rest, name + ":x:+5" + rest,
          name + ":x:0x10" + rest, name + ":x:five" + rest, name + ":x:5 " + rest, name + ":x:1e3" + rest,
          name + ":x:4294967295" + rest, name + ":x:4294967296" + rest,
          name + ":x:99999999999999999999" + rest, name + std::string("\0:x:5", 5) + rest,
          std::string("\0\n\xff\xfe\n", 5), std::string(100000, 'x') + "\n", std::string(5000, ':') + "\n"}) {
      check(bad, "unknown");
      check(bad + list.line, list.id);
    }
    const std::string line = list.line;
    check("other" + line.substr(name.size()) + line.substr(0, line.size() - 1), list.id);
    check(line.substr(0, line.size() - 1) + "\r\n", list.id);
    check("root:x:0" + rest.substr(0, rest.size() - 1) + "\r\n" + line.substr(0, line.size() - 1) + "\r\n",
          list.id);
  }
}

TEST_CASE("a list may be as long as a mebibyte", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  for (const List& list : {kUsers, kGroups}) {
    const std::string line = list.line;
    std::string content = std::string(kLongestList - line.size() - 1, '#') + "\n" + line;
    served.put_file(list.path, content);
    CHECK(id_of(served, list, list.name) == list.id);
    content.insert(0, "#");
    served.put_file(list.path, content);
    CHECK(id_of(served, list, list.name) == std::to_string(EFBIG));
    // Also where the name is found before that.
    served.put_file(list.path, line + std::string(kLongestList, '#'));
    CHECK(id_of(served, list, list.name) == std::to_string(EFBIG));
  }
}

/// Puts something hostile in the place of a list.
struct Hostile {
  const char* what;
  std::function<void(const fs::path&)> put;
  int error;
};

std::vector<Hostile> hostile_lists() {
  const auto linked_to = [](const char* target) {
    return [target](const fs::path& path) { fs::create_symlink(target, path); };
  };
  return {
      {"missing", [](const fs::path&) {}, ENOENT},
      {"directory", [](const fs::path& path) { fs::create_directory(path); }, EISDIR},
      {"FIFO", [](const fs::path& path) { CHECK(::mkfifo(path.c_str(), 0666) == 0); }, EINVAL},
      {"zeros without end", linked_to("/dev/zero"), EINVAL},
      {"null", linked_to("/dev/null"), EINVAL},
      {"loop", linked_to("/etc/loop"), ELOOP},
      {"dangling", linked_to("/none"), ENOENT},
      {"memory", linked_to("/proc/1/mem"), EPERM},
      {"a long file that says it is empty", linked_to("/proc/kallsyms"), EFBIG},
      {"a million lines",
       [](const fs::path& path) {
         std::string lines;
         for (int i = 0; i < 1000000; ++i) lines += "u:x:1:1::/:\n";
         const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
         CHECK(::write(file.get(), lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()));
       },
       EFBIG},
      {"a line of a gibibyte",
       [](const fs::path& path) {
         const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
         CHECK(::ftruncate(file.get(), 1 << 30) == 0);
       },
       EFBIG},
  };
}

TEST_CASE("a list that is none is an error, in bounded time and memory", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  fs::create_symlink("loop", served.path("/etc/loop"));
  id_of(served, kUsers, "root");
  const long memory = resident_memory(served.daemon().pid());
  for (const List& list : {kUsers, kGroups}) {
    for (const Hostile& hostile : hostile_lists()) {
      CAPTURE(list.path, hostile.what);
      fs::remove_all(served.path(list.path));
      hostile.put(served.path(list.path));
      const auto begin = std::chrono::steady_clock::now();
      CHECK(id_of(served, list, list.name) == std::to_string(hostile.error));
      CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
    }
  }
  CHECK(served.nothing_left());
  if (!kKeepsFreedMemory) CHECK(resident_memory(served.daemon().pid()) < memory + 4 * 1024);
}

TEST_CASE("a list on a filesystem that does not answer ends with the deadline", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/stalled");
  const StalledMount stalled(served.container(), "/stalled");
  for (const List& list : {kUsers, kGroups}) {
    fs::remove(served.path(list.path));
    fs::create_symlink("/stalled/list", served.path(list.path));
    CHECK(error_of(served.reply(request(list, list.name), {}, {{"timeoutMilliseconds", 200}})) ==
          "io.nsenterd.TimedOut");
  }
  CHECK(served.nothing_left());
}

}  // namespace
}  // namespace nsenterd::test
