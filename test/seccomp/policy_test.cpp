// What is wrong with a policy is named.
#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"

namespace nsenterd::test {
namespace {

/// What is said of it, after the file's name.
std::string complaint_about(const std::string& policy) {
  const PolicyFile file(policy);
  const CommandResult result =
      run({program_under_test("SECCOMP_AGENT"), "--policy", file.path(), "--check-policy"});
  if (result.status == 0) return result.errors;
  CHECK(result.status == 1);
  const std::string begin = "seccomp-agent: " + file.path().native() + ":";
  CHECK(result.errors.starts_with(begin));
  return result.errors.substr(begin.size(), result.errors.size() - begin.size() - 1);
}

}  // namespace

TEST_CASE("good policies have nothing to complain about") {
  CHECK(complaint_about("").empty());
  CHECK(complaint_about(R"(
[default]
answer = "continue"
[limits]
calls = 1
containers = 65536
[syscalls.openat]
handler = "open"
directories = ["/", "/data/"]
timeout = 1500
[profiles."any name".syscalls.mknod]
handler = "mknod"
devices = ["c 1:3", "b 4095:1048575"]
timeout = "60s"
log = true
)")
            .empty());
}

TEST_CASE("the policy that comes with the agent is good") {
  const CommandResult result = run({program_under_test("SECCOMP_AGENT"), "--policy",
                                    program_under_test("SECCOMP_POLICY"), "--check-policy"});
  CHECK(result.errors.empty());
  CHECK(result.status == 0);
}

TEST_CASE("mistakes in a policy are named, with file, line and key") {
  const auto [policy, complaint] = GENERATE(table<std::string, std::string>({
      {"[default]\nerrno = \"EWHAT\"", "2: default.errno: \"EWHAT\" is unknown"},
      {"[default]\nanswer = \"maybe\"", "2: default.answer: is neither \"errno\" nor \"continue\""},
      {"[default]\nanswer = \"errno\"", "2: default.answer: needs an \"errno\""},
      {"[default]\nanswer = \"continue\"\nerrno = \"EPERM\"",
       "3: default.errno: goes with the answer \"errno\" only"},
      {"[default]\nerrno = 1", "2: default.errno: is not a string"},
      {"[default]\nmore = 1", "2: default.more: is unknown"},
      {"more = 1", "1: more: is unknown"},
      {"syscalls = 1", "1: syscalls: is not a table"},
      {"[limits]\ncalls = 0", "2: limits.calls: is not from 1 to 65536"},
      {"[limits]\ncalls = \"1\"", "2: limits.calls: is not an integer"},
      {"[syscalls.mkdirr]\nhandler = \"mkdir\"", "1: syscalls.mkdirr: there is no such system call"},
      {"[syscalls.mkdir]\nsuffix = \"x\"", "1: syscalls.mkdir.handler: is missing"},
      {"[syscalls.mkdir]\nhandler = \"rmdir\"",
       "2: syscalls.mkdir.handler: \"rmdir\" is none of errno, continue, mkdir, mount, mknod, open"},
      {"[syscalls.mkdir]\nhandler = \"mount\"", "2: syscalls.mkdir.handler: \"mount\" is not for mkdir"},
      {"[syscalls.mkdir]\nhandler = \"mkdir\"\nsuffix = \"a/b\"",
       "3: syscalls.mkdir.suffix: has a slash or a zero byte in it"},
      {"[syscalls.mkdir]\nhandler = \"mkdir\"\ntypes = []", "3: syscalls.mkdir.types: is unknown"},
      {"[syscalls.mkdir]\nhandler = \"mkdir\"\nlog = 1", "3: syscalls.mkdir.log: is neither true nor false"},
      {"[syscalls.mkdir]\nhandler = \"mkdir\"\ntimeout = \"2h\"",
       "3: syscalls.mkdir.timeout: is no time such as \"500ms\" or \"2s\""},
      {"[syscalls.mkdir]\nhandler = \"mkdir\"\ntimeout = \"61s\"",
       "3: syscalls.mkdir.timeout: is not from 1 to 60000 ms"},
      {"[syscalls.chmod]\nhandler = \"errno\"", "1: syscalls.chmod.errno: is missing"},
      {"[syscalls.mount]\nhandler = \"mount\"", "1: syscalls.mount.types: is missing"},
      {"[syscalls.mount]\nhandler = \"mount\"\ntypes = [\"ext4\"]",
       "3: syscalls.mount.types: \"ext4\" is none of proc, sysfs, tmpfs"},
      {"[syscalls.mount]\nhandler = \"mount\"\ntypes = [1]",
       "3: syscalls.mount.types: is not a list of strings"},
      {"[syscalls.mknod]\nhandler = \"mknod\"\ndevices = [\"c 1\"]",
       "3: syscalls.mknod.devices: \"c 1\" is no device such as \"c 1:3\""},
      {"[syscalls.openat]\nhandler = \"open\"\ndirectories = [\"data\"]",
       "3: syscalls.openat.directories: \"data\" is no plain absolute path"},
      {"[profiles.p.syscalls.chmod]\nhandler = \"errno\"\nerrno = \"E\"",
       "3: profiles.p.syscalls.chmod.errno: \"E\" is unknown"},
  }));
  CHECK(complaint_about(policy) == complaint);
}

TEST_CASE("what is no TOML is named, with its line") {
  CHECK(complaint_about("[default]\nerrno =").starts_with("2: "));
}

TEST_CASE("a policy that is not there is named") {
  const CommandResult result =
      run({program_under_test("SECCOMP_AGENT"), "--policy", "/none.toml", "--check-policy"});
  CHECK(result.status == 1);
  CHECK(result.errors.find("/none.toml") != std::string::npos);
}

}  // namespace nsenterd::test
