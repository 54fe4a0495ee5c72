// What a container sets: its own namespaces' values, and limits that the kernel has for the whole machine.
#include <csignal>

#include "companion/served_companion.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr char kSomaxconn[] = "/proc/sys/net/core/somaxconn";
constexpr char kPidMax[] = "/proc/sys/kernel/pid_max";

/// What the shell says of the attempt, and what is there afterwards.
std::string set(const CompanionContainer& served, const std::string& file, const std::string& value) {
  return served.shell("printf '" + value + "' >" + file + " && echo done || echo failed; cat " + file);
}

/// So that its processes may make namespaces.
void with_sys_admin(Json& config) {
  for (const char* set : {"bounding", "effective", "permitted"}) {
    config["process"]["capabilities"][set].push_back("CAP_SYS_ADMIN");
  }
}

}  // namespace

TEST_CASE("what a container sets of its net namespace is set there and nowhere else") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  const CompanionContainer other(companion);
  const std::string before = read_file(kSomaxconn);
  CHECK(set(served, kSomaxconn, "1234\\n") == "done\n1234\n");
  CHECK(served.shell("cat /kernel/sys/net/core/somaxconn") == "1234\n");
  CHECK(other.shell("cat /proc/sys/net/core/somaxconn") == before);
  CHECK(read_file(kSomaxconn) == before);
  CHECK(set(served, kSomaxconn, "x\\n") == "failed\n1234\n");
}

TEST_CASE("sysctl(8) shows all that there is, and sets what is the container's own") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  const RuncContainer plain(RuncContainer::UserNamespace::mapped, [](Json& config) {
    for (Json& set : config["process"]["capabilities"]) set.push_back("CAP_NET_ADMIN");
  });
  const std::string before = read_file(kSomaxconn);
  // Some values change by themselves from one moment to the next, but none of these; and where the table of the companion has no limit, the
  // names are the same.
  const std::string all = "busybox sysctl -a 2>/dev/null | grep -v -e ^net.netfilter -e ^net.nf_conntrack";
  const std::string values = all + " | grep -e ^net -e ^kernel.shm -e ^kernel.msg -e ^kernel.ostype | sort";
  const std::string names = all + " | sed 's/ = .*//' | sort";
  const std::string shown = served.shell(values);
  CHECK(shown.find("net.core.somaxconn = " + before) != std::string::npos);
  CHECK(shown == plain.exec_configured({"/bin/sh", "-c", values}).output);
  CHECK(served.shell(names) == plain.exec_configured({"/bin/sh", "-c", names}).output);
  CHECK(served.shell("busybox sysctl -w net.core.somaxconn=2345") == "net.core.somaxconn = 2345\n");
  CHECK(served.shell("busybox sysctl -n net.core.somaxconn") == "2345\n");
  CHECK(read_file(kSomaxconn) == before);
  const CommandResult refused = served.container().exec_configured(
      {"/bin/sh", "-c", "busybox sysctl -w net.core.somaxconn=3456"}, {"--user", "1000:1000"});
  CHECK(refused.errors.find("Permission denied") != std::string::npos);
  CHECK(served.shell("busybox sysctl -n net.core.somaxconn") == "2345\n");
}

TEST_CASE("a thread with a net namespace of its own sets what is that one's") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion, with_sys_admin);
  REQUIRE(served.shell("echo 2000 >/proc/sys/net/core/somaxconn; cat /proc/sys/net/core/somaxconn") ==
          "2000\n");
  CHECK(served.probe({"thread", "/proc/sys/net/core/somaxconn"}) == "ok 4096| ok 1234| 2000|\n");
}

TEST_CASE("who may open a file in a net namespace of his own gains nothing elsewhere") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon({"--warm-agents", "64"});
  const Companion companion(daemon);
  const CompanionContainer served(companion, with_sys_admin);
  CHECK(served.probe({"elsewhere", "/proc/sys/net/core/somaxconn"}) == "ok ok ok EPERM EPERM\n");
  CHECK(served.shell("cat /proc/sys/net/core/somaxconn") == "1234\n");
}

TEST_CASE("a limit that a container sets is its own, and lasts") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  Companion companion(daemon);
  const CompanionContainer served(companion);
  const CompanionContainer other(companion);
  const std::string before = read_file(kPidMax);
  CHECK(served.shell("cat /proc/sys/kernel/pid_max") == before);
  CHECK(set(served, kPidMax, "5000\\n") == "done\n5000\n");
  CHECK(other.shell("cat /proc/sys/kernel/pid_max") == before);
  CHECK(read_file(kPidMax) == before);
  CHECK(companion.command({"list"}).output.find("/proc/sys/kernel/pid_max=5000") != std::string::npos);

  companion.process().end(SIGKILL);
  companion.process().start_again();
  CHECK(read_file(served.tree().native() + kPidMax) == "5000\n");
  CHECK(read_file(other.tree().native() + kPidMax) == before);
}

TEST_CASE("a limit takes what the kernel takes") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  for (const char* taken : {"400", " 400\\n", "0x190", "0620", "400 500", "400\\t\\n\\n"}) {
    INFO(taken);
    CHECK(set(served, kPidMax, "301") == "done\n301\n");
    CHECK(set(served, kPidMax, taken) == "done\n400\n");
  }
  for (const char* refused :
       {"300", "4194305", "-400", "x", "400x", "0x", " ", "99999999999999999999", "08", "+400"}) {
    INFO(refused);
    CHECK(set(served, kPidMax, refused) == "failed\n400\n");
  }
  CHECK(set(served, "/proc/sys/kernel/panic", "-1") == "done\n-1\n");
  CHECK(set(served, "/proc/sys/fs/file-max", "9223372036854775807") == "done\n9223372036854775807\n");
  CHECK(set(served, "/proc/sys/fs/file-max", "9223372036854775808") == "failed\n9223372036854775807\n");
  CHECK(set(served, "/proc/sys/vm/overcommit_memory", "3") != "done\n3\n");
}

TEST_CASE("a limit written to elsewhere than at its beginning stays what it is") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("echo 400 >/proc/sys/kernel/pid_max; printf 500 | busybox dd 2>/dev/null conv=notrunc "
                     "bs=3 seek=1 of=" +
                     std::string(kPidMax) + "; cat " + kPidMax) == "400\n");
}

TEST_CASE("limits are for root of the container to set, and for root of the host to see") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("echo 400 >/proc/sys/kernel/pid_max || cat /proc/sys/kernel/pid_max",
                     {"--user", "1000:1000"}) == read_file(kPidMax));
  const std::string seen_from_host = served.tree().native() + kPidMax;
  CHECK(read_file(seen_from_host) == read_file(kPidMax));
  for (const char* file : {kPidMax, kSomaxconn}) {
    CHECK(run({"sh", "-c", ": >>" + served.tree().native() + file}).errors.find("Operation not permitted") !=
          std::string::npos);
  }
  CHECK(read_file(served.tree().native() + "/proc/sys/kernel/hostname") == "container\n");
  CHECK(run({"setpriv", "--reuid", "1000", "--clear-groups", "cat",
             served.tree().native() + "/proc/sys/kernel/hostname"})
            .status != 0);
}

TEST_CASE("files that are read-only for all cannot be written to") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const Companion companion(daemon);
  const CompanionContainer served(companion);
  CHECK(served.shell("stat -c %a /proc/sys/kernel/core_pattern") == "444\n");
  CHECK(served.shell("echo core >/proc/sys/kernel/core_pattern || cat /proc/sys/kernel/core_pattern") ==
        read_file("/proc/sys/kernel/core_pattern"));
}

}  // namespace nsenterd::test
