// examples/client: the program that shows every message does with each what it says, to a real container.
#include <sstream>
#include <string>

#include <sys/stat.h>
#include <sys/xattr.h>

#include "operations/table.hpp"
#include "support/catch.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;

/// A container that has what the example asks for.
class ExampleScene {
 public:
  explicit ExampleScene(Kind kind) : served(kind) {
    served.put_file("/etc/group", "root:x:0:\n");
    served.put_directory("/mnt");
  }

  [[nodiscard]] CommandResult run_example() {
    return run({program_under_test("CLIENT_MESSAGES"), served.daemon().socket(),
                std::to_string(served.container().pid())},
               std::chrono::seconds(60));
  }

  ServedContainer served;
};

/// How often the daemon has carried such a request out.
int successes(const Json& statistics, std::string_view request) {
  for (const Json& counted : statistics.at("messages")) {
    if (counted.at("message") == request)
      return counted.at("requests").get<int>() - counted.at("errorResponses").get<int>() -
             counted.at("failures").get<int>();
  }
  return 0;
}

bool has_line(const std::string& output, const std::string& line) {
  std::istringstream lines(output);
  for (std::string found; std::getline(lines, found);) {
    if (found == line) return true;
  }
  return false;
}

TEST_CASE("the example of the client sends every message there is, and every one is carried out") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  ExampleScene scene(GENERATE(Kind::none, Kind::mapped));
  const auto result = scene.run_example();
  INFO(result.output << result.errors);
  CHECK(result.status == 0);
  CHECK(result.errors.empty());
  const Json statistics = scene.served.client().call("io.nsenterd.GetStatistics").at("parameters");
  for (const operations::Operation* operation : operations::all_operations()) {
    CAPTURE(operation->request);
    CHECK(successes(statistics, operation->request) > 0);
  }
}

TEST_CASE("what the example of the client says is what the container has then") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  ExampleScene scene(GENERATE(Kind::none, Kind::mapped));
  const ServedContainer& served = scene.served;
  // Once for the file to be made, once for it to be there.
  REQUIRE(scene.run_example().status == 0);
  const auto result = scene.run_example();
  INFO(result.output << result.errors);
  CHECK(result.status == 0);

  const std::string file = served.path("/tmp/client-messages");
  struct stat status {};
  REQUIRE(::lstat(file.c_str(), &status) == 0);
  CHECK(read_file(file) == "written from outside\n");
  CHECK(status.st_mode == (S_IFREG | 0644));
  CHECK(status.st_uid == served.host_id(0));
  CHECK(status.st_gid == served.host_id(1000));
  CHECK(::getxattr(file.c_str(), "user.origin", nullptr, 0) == -1);
  CHECK(mounts_at(served.container().pid(), "/mnt").empty());
  CHECK(has_line(result.output,
                 "openat2: created /tmp/client-messages, inode " + std::to_string(status.st_ino)));
  CHECK(has_line(result.output, "lookup: client-messages has " + std::to_string(status.st_size) + " bytes"));
  CHECK(has_line(result.output, "on behalf: read 21 bytes as user " + std::to_string(served.host_id(0))));
  CHECK(has_line(result.output, "getxattr: user.origin is client-messages"));
  CHECK(
      has_line(result.output, "operation failed: lstat /does/not/exist: no such file or directory (ENOENT)"));
  CHECK(served.nothing_left());
}

TEST_CASE("the example of the client says what was not as it should be, and goes on") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  ExampleScene scene(Kind::mapped);
  std::filesystem::remove(scene.served.path("/mnt"));
  const auto result = scene.run_example();
  INFO(result.output);
  CHECK(result.status == 1);
  CHECK(has_line(result.output, "mount FAILED: mount /mnt: no such file or directory (ENOENT)"));
  CHECK(has_line(result.output, "removexattr: removed user.origin"));
  CHECK(result.output.find("response of an event: read ") != std::string::npos);
}

TEST_CASE("the guide to the client has every message") {
  const std::string page = read_file(program_under_test("CLIENT_PAGE"));
  for (const operations::Operation* operation : operations::all_operations()) {
    CAPTURE(operation->request);
    CHECK(page.find("| `" + std::string(operation->request) + "` |") != std::string::npos);
  }
}

TEST_CASE("the example of the client refuses what is no process id") {
  const std::string program = program_under_test("CLIENT_MESSAGES");
  CHECK(run({program}).status == 2);
  CHECK(run({program, "/nowhere"}).status == 2);
  CHECK(run({program, "/nowhere", "1x"}).status == 2);
}

}  // namespace
}  // namespace nsenterd::test
