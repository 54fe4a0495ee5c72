// What nsenterctl does without a daemon: values as typed, options of mount and open, the personality of a process.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/arguments.hpp"
#include "cli/escape.hpp"
#include "cli/mount_options.hpp"
#include "cli/open_flags.hpp"
#include "cli/personality.hpp"
#include "support/catch.hpp"
#include "support/processes.hpp"

namespace nsenterd::cli {
namespace {

using Calls = std::vector<std::uint64_t>;

MountOptions mount_options(const std::string& text, const std::string& type = "tmpfs") {
  const auto parsed = parse_mount_options(text, type);
  REQUIRE(parsed.has_value());
  return *parsed;
}

ExitStatus refusal_of(const std::string& text, const std::string& type = "tmpfs") {
  const auto parsed = parse_mount_options(text, type);
  return parsed ? ExitStatus::ok : parsed.error().status;
}

TEST_CASE("An owner is one id or two, or -1, and nothing else") {
  const auto is = [](const char* text, std::int64_t uid, std::int64_t gid) {
    const auto owner = parse_owner(text);
    return owner && owner->uid == uid && owner->gid == gid;
  };
  CHECK(is("0", 0, -1));
  CHECK(is("1000:100", 1000, 100));
  CHECK(is(":7", -1, 7));
  CHECK(is("-1:5", -1, 5));
  CHECK(is("4294967294:-1", 4294967294, -1));
  for (const char* text :
       {"", ":", "5:", "root", "-2", "+1", " 1", "1 ", "1:2:3", "4294967295", ":4294967295", "1.2", "0x1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_owner(text));
  }
}

TEST_CASE("A mode is octal, and no more than permissions") {
  CHECK(parse_mode("644") == 0644);
  CHECK(parse_mode("07777") == 07777);
  CHECK(parse_mode("0") == 0);
  for (const char* text : {"", "8", "10000", "-1", "0o644", "u+x"}) CHECK_FALSE(parse_mode(text));
}

TEST_CASE("The end of a line is all that lines of text keep unescaped") {
  CHECK(escape_lines("a\x1b\nb\\\n") == "a\\x1b\nb\\\\\n");
  CHECK(escape_lines("a\n\nb") == "a\n\nb");
  CHECK(escape_lines("").empty());
}

TEST_CASE("Mount options become flags and data") {
  CHECK(mount_options("").calls == Calls{0});
  CHECK(mount_options("").data.empty());
  CHECK(mount_options("defaults").calls == Calls{0});
  CHECK(mount_options("ro,nosuid,size=1m,noexec,mode=755").calls == Calls{MS_RDONLY | MS_NOSUID | MS_NOEXEC});
  CHECK(mount_options("ro,nosuid,size=1m,noexec,mode=755").data == "size=1m,mode=755");
  // The last one counts, as mount(8) has it.
  CHECK(mount_options("ro,rw").calls == Calls{0});
  CHECK(mount_options("nodev,dev,ro").calls == Calls{MS_RDONLY});
  CHECK(mount_options("remount,ro", "").calls == Calls{MS_REMOUNT | MS_RDONLY});
  CHECK(mount_options("lowerdir=/a\\,b:/c,upperdir=/u", "overlay").data == "lowerdir=/a\\,b:/c,upperdir=/u");
}

TEST_CASE("What one call of mount(2) would ignore gets a call of its own") {
  CHECK(mount_options("bind", "").calls == Calls{MS_BIND});
  CHECK(mount_options("bind,ro,nodev", "").calls ==
        Calls{MS_BIND, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NODEV});
  CHECK(mount_options("rbind,ro", "").calls == Calls{MS_BIND | MS_REC, MS_BIND | MS_REMOUNT | MS_RDONLY});
  CHECK(mount_options("remount,bind,ro", "").calls == Calls{MS_BIND | MS_REMOUNT | MS_RDONLY});
  CHECK(mount_options("private", "").calls == Calls{MS_PRIVATE});
  CHECK(mount_options("rbind,private", "").calls == Calls{MS_BIND | MS_REC, MS_PRIVATE});
  CHECK(mount_options("bind,rprivate", "").calls == Calls{MS_BIND, MS_PRIVATE | MS_REC});
  CHECK(mount_options("shared,ro").calls == Calls{MS_RDONLY, MS_SHARED});
  CHECK(mount_options("slave,rshared", "").calls == Calls{MS_SLAVE, MS_SHARED | MS_REC});
}

TEST_CASE("Mount options that mount(2) does not know are wrong usage, not ignored") {
  for (const char* text :
       {"loop", "user", "ro,noauto", "nofail", "_netdev", "x-systemd.automount", "comment=x", "offset=1"}) {
    CAPTURE(text);
    CHECK(refusal_of(text) == ExitStatus::usage);
  }
  CHECK(refusal_of("size=" + std::string(5000, '1')) == ExitStatus::usage);
  CHECK(refusal_of("", "") == ExitStatus::usage);
  CHECK(refusal_of("ro", "") == ExitStatus::usage);
  CHECK(refusal_of("ro,private", "") == ExitStatus::usage);
}

TEST_CASE("A file is opened as the options say, and senseless ones are wrong usage") {
  CHECK(open_how({})->flags == O_RDONLY);
  CHECK(open_how({.write = true, .append = true})->flags == (O_WRONLY | O_APPEND));
  const auto created = open_how({.read_write = true, .create = true, .exclusive = true, .truncate = true});
  CHECK(created->flags == (O_RDWR | O_CREAT | O_EXCL | O_TRUNC));
  CHECK(created->mode == 0644);
  CHECK(open_how({.create = true, .mode = 0600})->mode == 0600);
  // openat2(2) refuses a mode where nothing is created.
  CHECK(open_how({})->mode == 0);
  for (const OpenOptions& wrong :
       {OpenOptions{.write = true, .read_write = true}, OpenOptions{.append = true},
        OpenOptions{.truncate = true}, OpenOptions{.exclusive = true}, OpenOptions{.mode = 0600}}) {
    REQUIRE(open_how(wrong).has_error());
    CHECK(open_how(wrong).error().status == ExitStatus::usage);
  }
}

TEST_CASE("A list of ways to resolve a path is all or nothing") {
  CHECK(parse_resolve("beneath") == RESOLVE_BENEATH);
  CHECK(parse_resolve("in-root,no-symlinks,no-xdev") ==
        (RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
  CHECK(parse_resolve("no-magiclinks,cached") == (RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED));
  for (const char* text : {"", ",", "beneath,", "beneath,nope", "Beneath", "1"})
    CHECK_FALSE(parse_resolve(text));
}

TEST_CASE("The personality of a process is what procfs shows of it") {
  const auto own = personality_of(::getpid());
  REQUIRE(own.has_value());
  CHECK(own->root == "/");
  CHECK(own->cwd == std::filesystem::current_path().string());
  CHECK(own->uid == ::geteuid());
  CHECK(own->gid == ::getegid());
  CHECK(own->capabilities == std::stoull(test::status_field(::getpid(), "CapEff"), nullptr, 16));
}

TEST_CASE("A process that has ended has no personality, reaped or not") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK(personality_of(child).error().status == ExitStatus::failed);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(personality_of(child).error().reason.find("ESRCH") != std::string::npos);
}

}  // namespace
}  // namespace nsenterd::cli
