// What a container sees of the tree, beside what it sees of the kernel's own procfs in the same namespaces.
#include <map>
#include <set>
#include <sstream>

#include "companion/served_companion.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

/// Lines by their first word.
std::map<std::string, std::string> lines_of(const std::string& text) {
  std::map<std::string, std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines[line.substr(0, line.find(' '))] = line;
  return lines;
}

/// Whom it belongs to, who may write to it: what the handlers' table is there to change.
const std::set<std::string> kOwn = {"/fs/binfmt_misc",       "/fs/file-max",        "/fs/nr_open",
                                    "/kernel/core_pattern",  "/kernel/modprobe",    "/kernel/panic",
                                    "/kernel/panic_on_oops", "/kernel/pid_max",     "/kernel/poweroff_cmd",
                                    "/kernel/sysrq",         "/kernel/threads-max", "/vm/max_map_count",
                                    "/vm/overcommit_memory"};
/// What changes from one look to the next.
const std::set<std::string> kUnstable = {"/fs/dentry-state",
                                         "/fs/file-nr",
                                         "/fs/inode-nr",
                                         "/fs/inode-state",
                                         "/kernel/ns_last_pid",
                                         "/kernel/pty/nr",
                                         "/kernel/random/entropy_avail",
                                         "/kernel/random/uuid",
                                         "/fs/quota/syncs"};

void check_same_trees(const std::string& kernels, const std::string& ours) {
  const auto expected = lines_of(kernels);
  const auto seen = lines_of(ours);
  CHECK(expected.size() > 500);
  for (const auto& [path, line] : expected) {
    INFO(path);
    REQUIRE(seen.contains(path));
    if (kOwn.contains(path)) continue;
    const auto end = kUnstable.contains(path) ? line.find(" content=") : std::string::npos;
    CHECK(seen.at(path).substr(0, end) == line.substr(0, end));
  }
  for (const auto& [path, line] : seen) CHECK(expected.contains(path));
}

/// Options of runc exec for another user, and for root without any capability.
const std::vector<std::string> kUser = {"--user", "1000:1000"};

}  // namespace

TEST_CASE("the tree is the kernel's, for root of the container and for a user") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  for (const auto& options : {std::vector<std::string>{}, kUser}) {
    check_same_trees(served.probe({"tree", "/kernel/sys"}, options),
                     served.probe({"tree", "/proc/sys"}, options));
  }
}

TEST_CASE("the tree is the kernel's for root without capabilities, too") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion, [](Json& config) {
    for (const char* set : {"bounding", "effective", "permitted"})
      config["process"]["capabilities"][set].clear();
  });
  check_same_trees(served.probe({"tree", "/kernel/sys"}), served.probe({"tree", "/proc/sys"}));
}

TEST_CASE("what cannot be changed in the kernel's procfs is refused in the same way") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  for (const auto& options : {std::vector<std::string>{}, kUser}) {
    const auto expected = lines_of(served.probe({"change", "/kernel/sys"}, options));
    const auto seen = lines_of(served.probe({"change", "/proc/sys"}, options));
    CHECK(expected.size() == 9);
    for (const auto& [path, line] : expected) CHECK(seen.at(path) == line);
  }
}

TEST_CASE("on the host, what root of the container owns is his, and what the kernel owns is root's") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  const std::string sys = served.tree() / "proc/sys";
  CHECK(run({"stat", "-c", "%u:%g", sys + "/net/core/somaxconn", sys + "/kernel/version",
             sys + "/kernel/pid_max"})
            .output == "100000:100000\n0:0\n100000:100000\n");
}

TEST_CASE("interfaces that are gone are gone at once, and new ones are there at once") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  const std::string look = "(cd /proc/sys/net/ipv4/conf/new 2>/dev/null && echo there || echo gone); ";
  const std::string link = "busybox ip link ";
  CHECK(served.shell(look + link + "add new type bridge; " + look + link + "del new; " + look) ==
        "gone\nthere\ngone\n");
}

TEST_CASE("a file that was read by sendfile is read to its end when it is longer the next time") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("for i in 1 16 128 1234; do echo $i >/kernel/sys/kernel/msgmax; cat "
                     "/proc/sys/kernel/msgmax; done") == "1\n16\n128\n1234\n");
}

TEST_CASE("swaps are none, and the uptime is the container's") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("cat /proc/swaps") == "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  CHECK(std::stod(served.shell("cat /proc/uptime")) < 60);
  CHECK(served.shell("stat -c %a:%u /proc/uptime /kernel/uptime") == "444:65534\n444:65534\n");
}

}  // namespace nsenterd::test
