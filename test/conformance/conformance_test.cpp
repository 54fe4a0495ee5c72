// Clients that nobody here wrote, against our Varlink code.
#include <sstream>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

TEST_CASE("Varlink's own certification client passes", "[conformance]") {
  NSENTERD_NEEDS(missing_programs({"varlink-go-certification"}));
  const ServerProcess server({program_under_test("CERTIFICATION_SERVER"), "{socket}"});
  const auto client =
      run({"varlink-go-certification", "--client", "--varlink=unix:" + server.socket().native()});
  INFO(client.output << client.errors);
  // Its exit status is 0 whatever happens.
  CHECK(client.output.find("failed") == std::string::npos);
  for (const char* step : {"Start:", "Test01:", "Test02:", "Test03:", "Test04:", "Test05:", "Test06:",
                           "Test07:", "Test08:", "Test09:", "Test10:", "Test11:", "End: 'true'"}) {
    INFO(step);
    CHECK(client.output.find(step) != std::string::npos);
  }
}

TEST_CASE("the certification server notices a wrong parameter", "[conformance]") {
  const ServerProcess server({program_under_test("CERTIFICATION_SERVER"), "{socket}"});
  RawClient client(server.socket());
  const Json id = client.call("org.varlink.certification.Start")["parameters"]["client_id"];
  const Json reply = client.call("org.varlink.certification.Test02", {{"client_id", id}, {"bool", false}});
  CHECK(reply["error"] == "org.varlink.certification.CertificationError");
  CHECK(client.call("org.varlink.certification.End", {{"client_id", id}})["parameters"]["all_ok"] == false);
}

TEST_CASE("Debian's Go varlink library reads a file of a container through the daemon", "[conformance]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const Daemon daemon;
  container.shell("echo 321 > /proc/sys/net/core/somaxconn");
  const auto client = run({program_under_test("GO_CLIENT"), "unix:" + daemon.socket().native(),
                           std::to_string(container.pid()), "/proc/sys/net/core/somaxconn"});
  INFO(client.errors);
  CHECK(client.status == 0);
  CHECK(client.output == "321\n");
}

TEST_CASE("Debian's Go varlink library is told why a request was refused", "[conformance]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  const auto client =
      run({program_under_test("GO_CLIENT"), "unix:" + daemon.socket().native(), "4194304", "/x"});
  CHECK(client.status == 1);
  CHECK(client.errors.find("io.nsenterd.NoSuchTarget") != std::string::npos);
}

}  // namespace
}  // namespace nsenterd::test
