// The operations in real containers, compared with what a program inside sees.
#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using Json = nlohmann::json;

enum class Kind { runc_with_user_namespace, runc_without, unshare };
constexpr Kind kKinds[] = {Kind::runc_with_user_namespace, Kind::runc_without, Kind::unshare};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::runc_with_user_namespace: return "runc with a user namespace";
    case Kind::runc_without: return "runc without a user namespace";
    case Kind::unshare: return "unshare";
  }
  return "";
}

std::unique_ptr<Container> start(Kind kind) {
  if (kind == Kind::unshare) return std::make_unique<UnshareContainer>();
  return std::make_unique<RuncContainer>(kind == Kind::runc_without ? RuncContainer::UserNamespace::none
                                                                    : RuncContainer::UserNamespace::mapped);
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// What stat(1) says inside: type and mode in hexadecimal, links, uid, gid, size, device, inode, modification
/// time.
std::vector<std::string> stat_inside(const Container& container, const std::string& path) {
  return words_of(container.output_of({"stat", "-c", "%f %h %u %g %s %d %i %Y", path}));
}

std::vector<std::string> as_stat_prints(const Json& info) {
  const Json& sys = info.at("Fsys");
  std::ostringstream mode;
  mode << std::hex << sys.at("Mode").get<unsigned>();
  std::vector<std::string> words{mode.str()};
  for (const char* field : {"Nlink", "Uid", "Gid", "Size", "Dev", "Ino"})
    words.push_back(sys.at(field).dump());
  words.push_back(sys.at("Mtim").at("Sec").dump());
  return words;
}

/// Strips the line end.
std::string line(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("lookup answers what stat says inside, for every kind of file") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    for (const char* path :
         {"/", "/bin/busybox", "/etc/passwd", "/dev/null", "/bin/cat", "/tmp", "/dev/fd", "/proc/1/exe",
          "/etc/../etc/passwd", "/proc/sys/net/core/somaxconn", "/proc/self"}) {
      // unshare's host may lack it.
      if (container->exec({"stat", path}).status != 0) continue;
      CAPTURE(path);
      const Answer answer = session.ask(inside(*container), request::lookup(path));
      REQUIRE(answer.error() == 0);
      REQUIRE(answer.response.type == "lookupResponse");
      const Json& info = answer.response.payload;
      const auto expected = stat_inside(*container, path);
      auto actual = as_stat_prints(info);
      // procfs gives its entries the time at which their inode came to be, which is when they are looked up.
      if (std::string_view(path).starts_with("/proc")) actual.back() = expected.back();
      CHECK(actual == expected);
      const std::string_view whole(path);
      const auto name = whole == "/" ? whole : whole.substr(whole.find_last_of('/') + 1);
      CHECK(info.at("Fname").get<std::string>() == name);
      CHECK(info.at("FisDir").get<bool>() ==
            ((info.at("Fsys").at("Mode").get<unsigned>() & S_IFMT) == S_IFDIR));
      CHECK(info.at("Fsize") == info.at("Fsys").at("Size"));
    }
  }
}

TEST_CASE("readDir answers what ls lists inside, sorted, with each entry's information") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    for (const char* path : {"/", "/dev", "/etc/", "/proc/sys/net/core", "/sys/class/net"}) {
      CAPTURE(path);
      const Answer answer = session.ask(inside(*container), request::read_dir(path));
      REQUIRE(answer.error() == 0);
      std::vector<std::string> names;
      for (const Json& entry : answer.response.payload) names.push_back(entry.at("Fname"));
      std::vector<std::string> expected = words_of(container->output_of({"ls", "-1A", path}));
      std::sort(expected.begin(), expected.end());
      CHECK(names == expected);
    }
    const Answer devices = session.ask(inside(*container), request::read_dir("/dev"));
    for (const Json& entry : devices.response.payload) {
      const std::string path = "/dev/" + entry.at("Fname").get<std::string>();
      if (entry.at("FisDir").get<bool>()) continue;
      CAPTURE(path);
      CHECK(as_stat_prints(entry) == stat_inside(*container, path));
    }
  }
}

TEST_CASE("readDir of an empty directory answers null") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto container = start(Kind::runc_with_user_namespace);
  container->shell("mkdir /tmp/empty");
  Session session;
  const Answer answer = session.ask(inside(*container), request::read_dir("/tmp/empty"));
  CHECK(answer.error() == 0);
  CHECK(answer.response.payload.is_null());
}

TEST_CASE("readLink answers what readlink says inside") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    for (const char* path :
         {"/sys/class/net/lo", "/proc/mounts", "/dev/stdin", "/proc/1/exe", "/proc/1/ns/net"}) {
      CAPTURE(path);
      if (container->exec({"readlink", path}).status != 0) continue;
      const Answer answer = session.ask(inside(*container), request::read_link(path));
      REQUIRE(answer.error() == 0);
      CHECK(answer.response.payload.get<std::string>() == line(container->output_of({"readlink", path})));
    }
    // As the container's process 1 and not the agent is numbered.
    const Answer self = session.ask(inside(*container), request::read_link("/proc/self"));
    REQUIRE(self.error() == 0);
    CHECK(std::stoi(self.response.payload.get<std::string>()) > 1);
  }
}

TEST_CASE("readFile answers what cat prints inside") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    for (const char* path : {"/etc/passwd", "/proc/sys/kernel/hostname", "/proc/net/dev", "/proc/1/comm",
                             "/proc/1/mountinfo", "/sys/class/net/lo/address"}) {
      CAPTURE(path);
      const Answer answer = session.ask(inside(*container), request::read_file(path));
      REQUIRE(answer.error() == 0);
      CHECK(answer.bytes() == container->output_of({"cat", path}));
    }
    CHECK(session.ask(inside(*container), request::read_file("/dev/null")).bytes().empty());
  }
}

TEST_CASE("readFile reads from an offset, up to a length, to the end of the file") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  std::string content;
  while (content.size() < (9U << 20U)) content += std::to_string(content.size()) + '\n';
  std::ofstream(container.root() / "big") << content;
  Session session;
  const auto part = [&](std::int64_t offset, std::int64_t length) {
    return session.ask(inside(container), request::read_file("/big", Through::container, offset, length))
        .bytes();
  };
  CHECK(part(0, 0).empty());
  CHECK(part(0, 1) == content.substr(0, 1));
  CHECK(part(5, 4096) == content.substr(5, 4096));
  CHECK(part(1234, 100000) == content.substr(1234, 100000));
  const auto size = static_cast<std::int64_t>(content.size());
  CHECK(part(size - 3, 4096) == content.substr(content.size() - 3));
  CHECK(part(size, 10).empty());
  CHECK(part(size + 1000, 10).empty());
  const std::string most = part(0, 8 << 20);
  CHECK(most.size() == 8U << 20U);
  CHECK((most == content.substr(0, 8U << 20U)));
}

TEST_CASE("openFile says whether a file may be opened with these flags") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::runc_with_user_namespace, Kind::runc_without}) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    const auto error = [&](const char* path, int flags, Through where = Through::container) {
      return session.ask(inside(*container), request::open_file(path, flags, where)).error();
    };
    CHECK(error("/etc/passwd", O_RDONLY) == 0);
    CHECK(error("/etc/passwd", O_RDWR | O_CLOEXEC | 0100000) == 0);
    CHECK(error("/etc", O_RDONLY | O_DIRECTORY) == 0);
    CHECK(error("/etc/passwd", O_RDONLY | O_DIRECTORY) == ENOTDIR);
    CHECK(error("/bin/cat", O_RDONLY | O_NOFOLLOW) == ELOOP);
    CHECK(error("/bin/cat", O_PATH | O_NOFOLLOW) == 0);
    CHECK(error("/proc/sys/net/core/somaxconn", O_RDONLY) == 0);
    CHECK(error("/proc/sys/net/core/somaxconn", O_WRONLY) == EROFS);
    CHECK(error("/proc/sys/net/core/somaxconn", O_WRONLY, Through::procfs) == 0);
    CHECK(error("/tmp/made", O_WRONLY) == ENOENT);
    CHECK(error("/tmp/made", O_WRONLY | O_CREAT | O_EXCL) == 0);
    CHECK(error("/tmp/made", O_WRONLY | O_CREAT | O_EXCL) == EEXIST);
    CHECK(line(container->output_of({"stat", "-c", "%a %u %g", "/tmp/made"})) == "644 0 0");
    CHECK(session.ask(inside(*container), request::open_file("/tmp/made", O_RDONLY))
              .response.payload.is_null());
  }
}

TEST_CASE("A sysctl of the container is read and written, and the host's stays as it is") {
  NSENTERD_NEEDS(missing_for_containers());
  const std::string path = "/proc/sys/net/core/somaxconn";
  const std::string own = read_file(path);
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    REQUIRE(line(own) != "1024");
    // 1024 and a line end.
    const Answer written =
        session.ask(inside(*container), request::write_file(path, "MTAyNAo=", Through::procfs));
    CHECK(written.text() == "ok");
    CHECK(written.response.type == "writeFileResponse");
    CHECK(written.response.payload.is_null());
    CHECK(container->output_of({"cat", path}) == "1024\n");
    CHECK(session.ask(inside(*container), request::read_file(path, Through::procfs)).bytes() == "1024\n");
    CHECK(session.ask(inside(*container), request::read_file(path)).bytes() == "1024\n");
    CHECK(read_file(path) == own);
    // Only the namespaces asked for count: without the container's network this is the host's value.
    const EventParameters without_net{.target = container->pid(),
                                      .namespaces = {Namespace::user, Namespace::mnt, Namespace::pid}};
    CHECK(session.ask(without_net, request::read_file(path, Through::procfs)).bytes() == own);
  }
}

TEST_CASE("writeFile writes at an offset and leaves the rest of the file") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  container.shell("echo 0123456789 > /tmp/f");
  Session session;
  // "abc"
  CHECK(session.ask(inside(container), request::write_file("/tmp/f", "YWJj", Through::container, 4)).text() ==
        "ok");
  CHECK(container.output_of({"cat", "/tmp/f"}) == "0123abc789\n");
  CHECK(session.ask(inside(container), request::write_file("/tmp/f", "")).text() == "ok");
  CHECK(container.output_of({"cat", "/tmp/f"}) == "0123abc789\n");
  CHECK(session.ask(inside(container), request::write_file("/tmp/none", "YWJj")).error() == ENOENT);
}

TEST_CASE("The private procfs shows what the container masks, and changes nothing in the container") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : {Kind::runc_with_user_namespace, Kind::runc_without}) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    const std::string mounts = container->output_of({"cat", "/proc/1/mountinfo"});
    // runc puts /dev/null over it.
    const Answer masked = session.ask(inside(*container), request::lookup("/proc/keys"));
    REQUIRE(masked.error() == 0);
    CHECK((masked.response.payload.at("Fsys").at("Mode").get<unsigned>() & S_IFMT) == S_IFCHR);
    const Answer real = session.ask(inside(*container), request::lookup("/proc/keys", Through::procfs));
    REQUIRE(real.error() == 0);
    CHECK((real.response.payload.at("Fsys").at("Mode").get<unsigned>() & S_IFMT) == S_IFREG);
    CHECK(session.ask(inside(*container), request::read_file("/proc/timer_list")).bytes().empty());
    const Answer timers =
        session.ask(inside(*container), request::read_file("/proc/timer_list", Through::procfs));
    if (kind == Kind::runc_without) {
      CHECK(timers.bytes().starts_with("Timer List Version"));
    } else {
      // The real file is for the host's root only, which the container's is not.
      CHECK(timers.error() == EACCES);
    }
    // The container's own processes, not the host's.
    CHECK(session.ask(inside(*container), request::read_file("/proc/1/comm", Through::procfs)).bytes() ==
          "sleep\n");
    CHECK(session.ask(inside(*container), request::write_file("/proc/sys/net/core/somaxconn", "MTAyNAo="))
              .error() == EROFS);
    CHECK(container->output_of({"cat", "/proc/1/mountinfo"}) == mounts);
  }
}

TEST_CASE("The private sysfs is that of the container's network namespace") {
  NSENTERD_NEEDS(missing_for_containers());
  for (const Kind kind : kKinds) {
    INFO(name_of(kind));
    const auto container = start(kind);
    Session session;
    const Answer answer =
        session.ask(inside(*container), request::read_dir("/sys/class/net", Through::sysfs));
    REQUIRE(answer.error() == 0);
    REQUIRE(answer.response.payload.size() == 1);
    CHECK(answer.response.payload[0].at("Fname").get<std::string>() == "lo");
    CHECK(session.ask(inside(*container), request::read_link("/sys/class/net/lo", Through::sysfs))
              .response.payload == Json("../../devices/virtual/net/lo"));
    CHECK(session.ask(inside(*container), request::read_file("/sys/class/net/lo/mtu", Through::sysfs))
              .bytes() == "65536\n");
  }
}

TEST_CASE("In new namespaces an operation sees these, not the container's") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Session session;
  const std::string path = "/proc/sys/net/core/somaxconn";
  REQUIRE(session.ask(inside(container), request::write_file(path, "MTAyNAo=", Through::procfs)).text() ==
          "ok");
  EventParameters parameters = inside(container);
  parameters.clone_flags = CLONE_NEWNET;
  CHECK(session.ask(parameters, request::read_file(path, Through::procfs)).bytes() == "4096\n");
  CHECK(session.ask(parameters, request::write_file(path, "NTEyCg==", Through::procfs)).text() == "ok");
  CHECK(container.output_of({"cat", path}) == "1024\n");
}

}  // namespace nsenterd::test
