// SIGHUP: a configuration that is read anew, be it right or wrong.
#include <csignal>
#include <string>

#include "configured_daemon.hpp"
#include "support/catch.hpp"
#include "support/client_process.hpp"
#include "support/command.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr uid_t kUser = 61001;
constexpr char kUserMay[] = "[access.users]\n61001 = \"all\"\n";

/// Tells the daemon to read its configuration anew, and waits until it says what became of that.
std::string reload(const ConfiguredDaemon& daemon, const std::string& configuration) {
  const std::size_t before = daemon.log().size();
  daemon.configure(configuration);
  daemon.send_signal(SIGHUP);
  const auto said = [&] { return daemon.log().substr(before); };
  REQUIRE(wait_until([&] {
    return said().find("the configuration has been read anew") != std::string::npos ||
           said().find("the configuration stays as it was") != std::string::npos;
  }));
  return said();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a user is let in, and put out, without a restart", "[e2e][reload]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container(kUser);
  const ConfiguredDaemon daemon("");
  const auto may_call = [&] {
    ClientProcess process({kUser, kUser}, daemon.socket());
    RawClient client(process.take_connection());
    return !client.call("org.varlink.service.GetInfo").contains("error");
  };
  CHECK_FALSE(may_call());
  CHECK(contains(reload(daemon, kUserMay), "setting=access.users"));
  CHECK(may_call());
  // What is under way of somebody who may not call any more ends, with its connection.
  ClientProcess process({kUser, kUser}, daemon.socket());
  RawClient client(process.take_connection());
  RawClient roots(daemon.socket());
  const Json more{{"async", true}, {"timeoutMilliseconds", 60000}};
  CHECK_FALSE(client.request(container.pid(), sleep_request(60), more).contains("error"));
  CHECK_FALSE(roots.request(container.pid(), sleep_request(60), more).contains("error"));
  CHECK(daemon.agents().size() == 2);
  static_cast<void>(reload(daemon, ""));
  CHECK_FALSE(client.receive());
  CHECK(wait_until([&] { return daemon.agents().size() == 1; }));
  CHECK_FALSE(may_call());
  CHECK(roots.call("io.nsenterd.ListEvents")["parameters"]["events"].size() == 1);
}

TEST_CASE("a wrong configuration is named, and changes nothing", "[e2e][reload]") {
  NSENTERD_NEEDS(missing_root());
  const ConfiguredDaemon daemon(kUserMay);
  ClientProcess process({kUser, kUser}, daemon.socket());
  RawClient client(process.take_connection());
  CHECK_FALSE(client.call("org.varlink.service.GetInfo").contains("error"));
  for (const char* wrong :
       {"[limits]\nevnts = 7\n", "[access.users]\n61001 = \"al\"\n", "[access", "limits.events = 0"}) {
    const std::string said = reload(daemon, wrong);
    INFO(said);
    CHECK(contains(said, daemon.path().native() + ":"));
    CHECK(contains(said, "the configuration stays as it was"));
    CHECK_FALSE(client.call("org.varlink.service.GetInfo").contains("error"));
  }
  CHECK(contains(reload(daemon, "[limits]\nevnts = 7\n"), ":2: limits.evnts: is no key that there is"));
  std::filesystem::remove(daemon.path());
  daemon.send_signal(SIGHUP);
  CHECK(wait_until([&] { return contains(daemon.log(), "no such file or directory"); }));
  CHECK_FALSE(client.call("org.varlink.service.GetInfo").contains("error"));
}

TEST_CASE("limits and deadlines change, what takes a restart is said", "[e2e][reload]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const ConfiguredDaemon daemon("", {"--warm-agents", "8"});
  RawClient client(daemon.socket());
  const auto read = [&] { return client.request(container.pid(), read_request("/etc/hostname")); };
  REQUIRE(read().contains("parameters"));
  REQUIRE(client.call("io.nsenterd.GetStatistics")["parameters"]["agentsWarm"] == 1);
  const std::string said = reload(daemon,
                                  "[limits]\nevents-of-user = 1\nconnections-of-user = 2\nmessage-depth = 8\n"
                                  "[deadlines]\ndefault = '200ms'\nmaximum = '300ms'\n"
                                  "[socket]\npath = '/run/elsewhere'\n[warm-agents]\ntotal = 5\n");
  INFO(said);
  // The command line has precedence.
  CHECK_FALSE(contains(said, "warm-agents.total"));
  CHECK_FALSE(contains(said, "socket.path"));
  for (const char* key :
       {"limits.events-of-user", "limits.connections-of-user", "deadlines.default", "deadlines.maximum"}) {
    CHECK(contains(said, "setting=" + std::string(key)));
  }
  CHECK(client.request(container.pid(), sleep_request(60))["error"] == "io.nsenterd.TimedOut");
  CHECK(client.request(container.pid(), sleep_request(60), {{"timeoutMilliseconds", 60000}})["error"] ==
        "io.nsenterd.TimedOut");
  const Json first = client.request(container.pid(), sleep_request(60), {{"async", true}});
  CHECK(first.contains("parameters"));
  CHECK(read()["parameters"]["limit"] == "eventsOfUser");
  CHECK_FALSE(client.call("io.nsenterd.TerminateRequest", {{"event", first["parameters"]["event"]}})
                  .contains("error"));
  RawClient second(daemon.socket());
  CHECK_FALSE(second.call("org.varlink.service.GetInfo").contains("error"));
  CHECK(RawClient(daemon.socket()).receive().value().find("Overloaded") != std::string::npos);
  const std::string deep = R"({"method":"org.varlink.service.GetInfo","parameters":{"a":[[[[[[[[]]]]]]]]}})";
  CHECK(second.send(deep + '\0'));
  CHECK(second.receive().value().find("message") != std::string::npos);
}

TEST_CASE("fewer agents are kept from then on", "[e2e][reload]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const ConfigurationFile file("");
  const ServerProcess daemon({program_under_test("NSENTERD"), "--socket", "{socket}", "--agent",
                              program_under_test("NSENTER_AGENT"), "--config", file.path().native()});
  RawClient client(daemon.socket());
  REQUIRE(client.request(container.pid(), read_request("/etc/hostname")).contains("parameters"));
  const auto warm = [&] { return client.call("io.nsenterd.GetStatistics")["parameters"]["agentsWarm"]; };
  REQUIRE(warm() == 1);
  file.write("[warm-agents]\ntotal = 0\n");
  daemon.send_signal(SIGHUP);
  CHECK(wait_until([&] { return warm() == 0; }));
  REQUIRE(client.request(container.pid(), read_request("/etc/hostname")).contains("parameters"));
  CHECK(warm() == 0);
}

TEST_CASE("a configuration is checked without a daemon", "[e2e][reload]") {
  const ConfigurationFile file("[limits]\nevents = 7\n");
  const std::string nsenterd = program_under_test("NSENTERD");
  const auto right = run({nsenterd, "--check-config", "--config", file.path().native()});
  CHECK(right.status == 0);
  CHECK((right.output + right.errors).empty());
  file.write("[limits]\nevents = 0\nevnts = 7\n");
  const auto wrong = run({nsenterd, "--check-config", "--config", file.path().native()});
  CHECK(wrong.status == 2);
  CHECK(wrong.errors == "nsenterd: " + file.path().native() +
                            ":2: limits.events: is to be a whole number from 1 to 1000000\nnsenterd: " +
                            file.path().native() + ":3: limits.evnts: is no key that there is\n");
  CHECK(run({nsenterd, "--config", file.path().native(), "--socket", "/nonexistent/x"}).status == 2);
  CHECK(run({nsenterd, "--check-config", "--config", "/nonexistent/file"}).status == 2);
}

}  // namespace
}  // namespace nsenterd::test
