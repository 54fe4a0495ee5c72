// Namespaces and directories that a client opens itself and sends along.
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_fixture.hpp"
#include "support/message_requests.hpp"
#include "support/opened_namespaces.hpp"
#include "support/precondition.hpp"
#include "support/stalled_mount.hpp"
#include "support/temporary_directory.hpp"
#include "support/unflushed_file.hpp"
#include "wire/base64.hpp"

namespace nsenterd::test {
namespace {

constexpr char kNamespaces[] = "namespaceFileDescriptors";
constexpr char kRoot[] = "rootFileDescriptor";
constexpr char kDirectory[] = "workingDirectoryFileDescriptor";
constexpr char kHostname[] = "/proc/sys/kernel/hostname";

const std::vector<std::string> kAll(std::begin(kNamespaceNames), std::end(kNamespaceNames));

/// The parameters of SendRequest with the descriptors that they name.
class Parcel {
 public:
  explicit Parcel(Json parameters = Json::object()) : parameters_(std::move(parameters)) {
    if (!parameters_.contains("request")) parameters_["request"] = read_request(kHostname);
  }
  Parcel&& with_namespace(const std::string& name, UniqueFd file) && {
    parameters_[kNamespaces][name] = files_.size();
    files_.push_back(std::move(file));
    return std::move(*this);
  }
  Parcel&& with_namespaces(pid_t pid, const std::vector<std::string>& names = kAll) && {
    for (const std::string& name : names)
      std::move(*this).with_namespace(name, open_namespace_file(pid, name));
    return std::move(*this);
  }
  Parcel&& with(const char* parameter, UniqueFd file) && {
    parameters_[parameter] = files_.size();
    files_.push_back(std::move(file));
    return std::move(*this);
  }

  [[nodiscard]] std::vector<int> numbers() const {
    std::vector<int> numbers;
    for (const UniqueFd& file : files_) numbers.push_back(file.get());
    return numbers;
  }
  Json send(RawClient& client) const {
    return client.call("io.nsenterd.SendRequest", parameters_, numbers());
  }
  /// Starts an event that stays, and returns the parameters of the reply.
  Json start(RawClient& client) {
    parameters_["async"] = true;
    parameters_["timeoutMilliseconds"] = 60000;
    parameters_["request"] = sleep_request(60);
    Json reply = send(client);
    INFO(reply.dump());
    REQUIRE(succeeded(reply));
    return reply["parameters"];
  }

 private:
  Json parameters_;
  std::vector<UniqueFd> files_;
};

Parcel asking(Json parameters) {
  return Parcel(std::move(parameters));
}

struct DescriptorsFixture : EventFixture {
  UnshareContainer second;

  /// The parameter that is blamed, at once.
  std::string blamed(const Parcel& parcel) { return blamed_by(owner, parcel); }
  std::string blamed_by(RawClient& client, const Parcel& parcel) {
    const auto begin = std::chrono::steady_clock::now();
    const Json reply = parcel.send(client);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
    INFO(reply.dump());
    CHECK(reply.value("error", "") == "org.varlink.service.InvalidParameter");
    return reply.contains("parameters") ? reply["parameters"].value("parameter", "") : "";
  }
  std::string error_of(const Parcel& parcel) { return parcel.send(owner).value("error", ""); }

  /// What the daemon's descriptors lead to that is a namespace.
  [[nodiscard]] std::string namespaces_of_daemon() const {
    std::string found;
    for (const int descriptor : descriptors_of(daemon.pid())) {
      std::error_code closed;
      const std::string link =
          std::filesystem::read_symlink(proc_path(daemon.pid(), "fd/" + std::to_string(descriptor)), closed);
      if (!link.starts_with('/') && link.find(":[4") != std::string::npos && !link.starts_with("socket") &&
          !link.starts_with("pipe"))
        found += link + ' ';
    }
    return found;
  }
};

/// The names of the namespaces in which a process is not where another is.
std::string misplaced(pid_t agent, pid_t expected, const std::vector<std::string>& names) {
  std::string wrong;
  for (const std::string& name : names) {
    if (namespace_inode(agent, name) != namespace_inode(expected, name)) wrong += name + ' ';
  }
  return wrong;
}

std::vector<std::string> all_but(const std::string& left_out) {
  std::vector<std::string> names = kAll;
  std::erase(names, left_out);
  return names;
}

std::string bytes_of(const Json& reply) {
  INFO(reply.dump());
  REQUIRE(succeeded(reply));
  REQUIRE(reply["parameters"]["response"]["message"] == "readFileResponse");
  return wire::decode_base64(reply["parameters"]["response"]["payload"].get<std::string>()).value();
}

UniqueFd some_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

TEST_CASE("an event by opened namespaces alone is in them, and has no target", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  for (const pid_t container : {fixture.target, fixture.second.pid()}) {
    const Json started = Parcel().with_namespaces(container).start(fixture.owner);
    const pid_t agent = started["processId"].get<pid_t>();
    CHECK(misplaced(agent, container, kAll).empty());
    CHECK(descriptors_of(agent) == std::vector<int>{0, 1, 2});
    // The client has them still; the daemon not.
    CHECK(wait_until([&] { return fixture.namespaces_of_daemon().empty(); }));
    const Json events = fixture.owner.events();
    REQUIRE(events.size() == 1);
    CHECK_FALSE(events[0].contains("pid"));
    CHECK(events[0]["processId"] == agent);
    CHECK(events[0]["state"] == "running");
    // It can be a target as any other.
    CHECK(succeeded(fixture.other.ask(
        "SendRequest",
        {{"targetEvent", name_of(started)}, {"namespace", kAll}, {"request", read_request(kHostname)}})));
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
    fixture.check_nothing_left();
  }
  for (const std::string& name : kAll) {
    if (name == "pid") continue;
    const Json started =
        Parcel().with_namespace(name, open_namespace_file(fixture.target, name)).start(fixture.owner);
    const pid_t agent = started["processId"].get<pid_t>();
    INFO(name);
    CHECK(misplaced(agent, fixture.target, {name}).empty());
    CHECK(misplaced(agent, fixture.daemon.pid(), all_but(name)).empty());
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
  }
  fixture.check_nothing_left();
}

TEST_CASE("the daemon has what was sent no longer than until it is sent on", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  {
    const UniqueFd network = open_namespace_file(fixture.target, "net");
    Json call{{"method", "io.nsenterd.SendRequest"}};
    call["parameters"] = {{"request", sleep_request(60)}, {kNamespaces, {{"net", 0}}}};
    REQUIRE(fixture.owner.send(call.dump() + '\0', {network.get()}));
  }
  REQUIRE(fixture.agent() != 0);
  CHECK(wait_until([&] { return fixture.namespaces_of_daemon().empty(); }));
  const Json events = fixture.other.events();
  REQUIRE(events.size() == 1);
  CHECK(succeeded(fixture.other.terminate(name_of(events[0]))));
  CHECK(fixture.owner.reply()["error"] == "io.nsenterd.Terminated");
  fixture.check_nothing_left();
}

TEST_CASE("opened namespaces go together with every kind of target", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const Json others = {"user", "mnt", "pid", "ipc", "uts", "cgroup", "time"};
  const auto check = [&](Parcel parcel) {
    const Json started =
        std::move(parcel).with_namespaces(fixture.second.pid(), {"net"}).start(fixture.owner);
    const pid_t agent = started["processId"].get<pid_t>();
    CHECK(misplaced(agent, fixture.second.pid(), {"net"}).empty());
    CHECK(misplaced(agent, fixture.target, all_but("net")).empty());
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
  };
  check(asking({{"pid", fixture.target}, {"namespace", others}}));
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, fixture.target, 0)));
  check(asking({{"namespace", others}}).with("pidFileDescriptor", std::move(pidfd)));
  const std::string held = fixture.owner.start_sleep(fixture.target, {{"namespace", kAll}});
  check(asking({{"targetEvent", held}, {"namespace", others}}));
  CHECK(succeeded(fixture.owner.terminate(held)));
  fixture.check_nothing_left();
}

TEST_CASE("root and working directory are those that were sent", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  const ChrootedProcess process(container.pid(), "/inner", "/deep");
  std::ofstream(container.root() / "inner/deep/here") << "here";
  const auto root = [&] { return open_file(proc_path(process.pid(), "root"), O_PATH); };
  const auto directory = [&] { return open_file(proc_path(process.pid(), "cwd"), O_PATH); };
  const auto by_pid = [&](const char* path) {
    return asking(
        {{"pid", container.pid()}, {"namespace", kContainerNamespaces}, {"request", read_request(path)}});
  };
  CHECK(bytes_of(by_pid("/deep/here").with(kRoot, root()).send(fixture.owner)) == "here");
  CHECK(bytes_of(by_pid("deep/here").with(kRoot, root()).send(fixture.owner)) == "here");
  CHECK(bytes_of(by_pid("here").with(kDirectory, directory()).send(fixture.owner)) == "here");
  CHECK(bytes_of(
            by_pid("../deep/here").with(kRoot, root()).with(kDirectory, directory()).send(fixture.owner)) ==
        "here");
  {
    const Json started = Parcel()
                             .with_namespaces(container.pid())
                             .with(kRoot, root())
                             .with(kDirectory, directory())
                             .start(fixture.owner);
    const pid_t agent = started["processId"].get<pid_t>();
    CHECK(inode_of(proc_path(agent, "root")) == inode_of(container.root() / "inner"));
    CHECK(inode_of(proc_path(agent, "cwd")) == inode_of(container.root() / "inner/deep"));
    CHECK(misplaced(agent, container.pid(), kAll).empty());
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
  }
  const auto failure = [&](const char* parameter) {
    const Json reply = by_pid("/").with(parameter, open_file("/etc/passwd", O_PATH)).send(fixture.owner);
    CHECK(reply["error"] == "io.nsenterd.JoinFailed");
    return reply["parameters"];
  };
  CHECK(failure(kRoot) == Json({{"step", "chroot"}, {"errno", ENOTDIR}, {"errnoName", "ENOTDIR"}}));
  CHECK(failure(kDirectory) == Json({{"step", "fchdir"}, {"errno", ENOTDIR}, {"errnoName", "ENOTDIR"}}));
  fixture.check_nothing_left();
}

TEST_CASE("parameters about descriptors that are wrong are named", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const auto blamed = [&](const char* parameter, const Json& value) {
    // One descriptor comes along in any case.
    return fixture.blamed(asking({{"pid", fixture.target}, {parameter, value}})
                              .with_namespaces(fixture.target, {})
                              .with("pidFileDescriptor", some_socket()));
  };
  for (const Json& value : {Json("net"), Json(0), Json::array({"net"}), Json(true)})
    CHECK(blamed(kNamespaces, value) == kNamespaces);
  CHECK(blamed(kNamespaces, {{"nope", 0}}) == std::string(kNamespaces) + ".nope");
  CHECK(blamed(kNamespaces, {{"", 0}}) == std::string(kNamespaces) + ".");
  for (const Json& value :
       {Json("0"), Json(-1), Json(1.0), Json(nullptr), Json(2147483648U), Json::array()}) {
    INFO(value.dump());
    CHECK(blamed(kNamespaces, {{"net", value}}) == std::string(kNamespaces) + ".net");
    if (value.is_null()) continue;
    if (value != 2147483648U) CHECK(blamed(kRoot, value) == kRoot);
    if (value != 2147483648U) CHECK(blamed(kDirectory, value) == kDirectory);
  }
  CHECK(blamed(kRoot, 4294967296U) == kRoot);
  const auto with_index = [&](const char* parameter, const Json& value) {
    return fixture.blamed(asking({{"pid", fixture.target}, {parameter, value}}));
  };
  for (const unsigned index : {0U, 1U, 16U, 2147483647U}) {
    CHECK(with_index(kNamespaces, {{"net", index}}) == std::string(kNamespaces) + ".net");
    CHECK(with_index(kRoot, index) == kRoot);
    CHECK(with_index(kDirectory, index) == kDirectory);
  }
  // Null and nothing are no namespaces, and so no target.
  CHECK(fixture.blamed(asking({{kNamespaces, nullptr}})) == "pid");
  CHECK(fixture.blamed(asking({{kNamespaces, Json::object()}})) == "pid");
  CHECK(fixture.blamed(Parcel().with(kRoot, open_file("/", O_PATH))) == "pid");
  CHECK(fixture.blamed(asking({{"namespace", {"mnt"}}}).with_namespaces(fixture.target, {"net"})) == "pid");
  CHECK(succeeded(
      asking({{"pid", fixture.target}, {kNamespaces, nullptr}, {kRoot, nullptr}, {kDirectory, nullptr}})
          .send(fixture.owner)));
  fixture.check_nothing_left();
}

TEST_CASE("a descriptor has one purpose", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const auto blamed = [&](Json parameters, UniqueFd file) {
    parameters["request"] = read_request(kHostname);
    const Json reply =
        fixture.owner.call("io.nsenterd.SendRequest", parameters, std::vector<int>{file.get()});
    INFO(reply.dump());
    return reply.contains("parameters") ? reply["parameters"].value("parameter", "") : "";
  };
  const auto network = [&] { return open_namespace_file(fixture.target, "net"); };
  CHECK(blamed({{kNamespaces, {{"net", 0}, {"uts", 0}}}}, network()) == std::string(kNamespaces) + ".net");
  CHECK(blamed({{kNamespaces, {{"net", 0}}}, {kRoot, 0}}, network()) == kRoot);
  CHECK(blamed({{"pid", fixture.target}, {kRoot, 0}, {kDirectory, 0}}, open_file("/", O_PATH)) == kDirectory);
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, fixture.target, 0)));
  CHECK(blamed({{"pidFileDescriptor", 0}, {kRoot, 0}}, std::move(pidfd)) == kRoot);
  fixture.check_nothing_left();
}

TEST_CASE("what is no namespace of its kind, or no directory opened with O_PATH, is refused at once",
          "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const RuncContainer container(RuncContainer::UserNamespace::none);
  container.shell("mkfifo /fifo; mkdir -p /mnt");
  const std::string root = container.root();
  const std::vector<std::pair<std::string, std::function<UniqueFd()>>> kinds{
      {"regular file", [] { return open_file("/etc/passwd", O_RDONLY); }},
      {"FIFO", [&] { return open_file(root + "/fifo", O_RDWR); }},
      {"FIFO nobody writes to", [&] { return open_file(root + "/fifo", O_RDONLY | O_NONBLOCK); }},
      {"procfs", [&] { return open_file(proc_path(fixture.target, "status"), O_RDONLY); }},
      {"directory of procfs", [&] { return open_file(proc_path(fixture.target, "ns"), O_RDONLY); }},
      {"directory", [] { return open_file("/", O_RDONLY | O_DIRECTORY); }},
      {"socket", some_socket},
      {"memory", [] { return UniqueFd(::memfd_create("net:[4026531840]", MFD_CLOEXEC)); }},
      {"pidfd", [&] { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, fixture.target, 0))); }},
      {"another namespace", [&] { return open_namespace_file(fixture.target, "cgroup"); }},
  };
  for (const auto& [what, open] : kinds) {
    INFO(what);
    for (const std::string& name : kAll) {
      if (name == "cgroup") continue;
      CHECK(fixture.blamed(Parcel().with_namespace(name, open())) == std::string(kNamespaces) + '.' + name);
    }
    CHECK(fixture.blamed(asking({{"pid", fixture.target}}).with(kRoot, open())) == kRoot);
    CHECK(fixture.blamed(asking({{"pid", fixture.target}}).with(kDirectory, open())) == kDirectory);
    // What is right about it is closed with it.
    CHECK(fixture.blamed(Parcel()
                             .with_namespaces(fixture.target, {"user", "mnt"})
                             .with(kRoot, open_file("/", O_PATH))
                             .with_namespace("time", open())) == std::string(kNamespaces) + ".time");
  }
  CHECK(fixture.blamed(
            Parcel().with_namespace("net", open_file(proc_path(fixture.target, "ns/net"), O_PATH))) ==
        std::string(kNamespaces) + ".net");
  fixture.check_nothing_left();
}

TEST_CASE("a filesystem that does not answer holds up nobody", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const RuncContainer container(RuncContainer::UserNamespace::none);
  container.shell("mkdir -p /mnt /stalled");
  const std::string root = proc_path(container.pid(), "root");
  // Closed when the filesystem has gone: this is a client that would wait as well.
  UniqueFd file;
  {
    UnflushedFile unflushed(container, "/mnt");
    file = open_file(root + "/mnt/file", O_RDWR);
    unflushed.fall_silent();
    int sent = 0;
    const auto reply_to = [&](Json parameters) {
      ++sent;
      parameters["request"] = read_request(kHostname);
      const auto begin = std::chrono::steady_clock::now();
      Json reply = fixture.owner.call("io.nsenterd.SendRequest", parameters, std::vector<int>{file.get()});
      CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
      return reply;
    };
    const auto blamed = [&](Json parameters) {
      const Json reply = reply_to(std::move(parameters));
      CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
      return reply["parameters"]["parameter"];
    };
    for (const char* name : {"user", "mnt", "net"})
      CHECK(blamed({{kNamespaces, {{name, 0}}}}) == std::string(kNamespaces) + '.' + name);
    CHECK(blamed({{"pid", fixture.target}, {kRoot, 0}}) == kRoot);
    CHECK(blamed({{"pid", fixture.target}, {kDirectory, 0}}) == kDirectory);
    // Nobody has named it.
    CHECK(succeeded(reply_to({{"pid", fixture.target}})));
    // All of them are being closed.
    CHECK(wait_until([&] { return unflushed.waiting() >= sent; }));
    CHECK(succeeded(fixture.other.request(fixture.target, read_request(kHostname))));
  }
  fixture.check_nothing_left();
  {
    const StalledMount stalled(container, "/stalled");
    const auto open = [&] { return open_file(root + "/stalled", O_PATH); };
    CHECK(fixture.blamed(Parcel().with_namespace("net", open())) == std::string(kNamespaces) + ".net");
    // It is a directory opened with O_PATH. Its agent waits, and nobody else.
    for (const char* parameter : {kRoot, kDirectory}) {
      const Json parameters{{"pid", fixture.target}, {"timeoutMilliseconds", 1000}};
      const Parcel parcel = Parcel(parameters).with(parameter, open());
      Json call{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}};
      call["parameters"][parameter] = 0;
      call["parameters"]["request"] = sleep_request(0);
      REQUIRE(fixture.owner.send(call.dump() + '\0', parcel.numbers()));
      REQUIRE(wait_until([&] { return StalledMount::holds(fixture.agent()); }));
      for (int i = 0; i < 5; ++i)
        CHECK(succeeded(fixture.other.request(fixture.target, read_request(kHostname))));
      CHECK(fixture.owner.reply()["error"] == "io.nsenterd.TimedOut");
    }
  }
  fixture.check_nothing_left();
}

TEST_CASE("what may not be joined together is refused", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const Json by_pid{{"pid", fixture.target}};
  const auto with = [&](Json more) {
    more["pid"] = fixture.target;
    return Parcel(more);
  };
  for (const std::string& name : kAll) {
    CHECK(fixture.blamed(with({{"namespace", kAll}}).with_namespaces(fixture.second.pid(), {name})) ==
          std::string(kNamespaces) + '.' + name);
  }
  const pid_t second = fixture.second.pid();
  CHECK(fixture.blamed(Parcel().with_namespaces(second, {"pid"})) == "namespace");
  CHECK(fixture.blamed(Parcel().with_namespaces(second, {"user", "pid", "net"})) == "namespace");
  CHECK(fixture.blamed(with({{"namespace", {"net"}}}).with_namespaces(second, {"pid"})) == "namespace");
  CHECK(succeeded(with({{"namespace", {"mnt"}}}).with_namespaces(second, {"pid"}).send(fixture.owner)));
  CHECK(succeeded(with({{"namespace", {"pid"}}}).with_namespaces(second, {"mnt"}).send(fixture.owner)));
  CHECK(
      succeeded(asking({{"cloneFlags", CLONE_NEWNS}}).with_namespaces(second, {"pid"}).send(fixture.owner)));
  const pid_t daemon = fixture.daemon.pid();
  CHECK(fixture.error_of(Parcel().with_namespaces(daemon, {"mnt"})) ==
        "org.varlink.service.PermissionDenied");
  CHECK(fixture.error_of(with({{"namespace", {"net"}}}).with_namespaces(daemon, {"mnt"})) ==
        "org.varlink.service.PermissionDenied");
  {
    // Its own user namespace is left out.
    const Json started = Parcel().with_namespaces(daemon, {"user", "net"}).start(fixture.owner);
    CHECK(misplaced(started["processId"].get<pid_t>(), daemon, kAll).empty());
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
  }
  const Json on_behalf = message::getxattr("/", "user.none", 16);
  const auto in_opened_user = [&](Json more) {
    more["namespace"] = {"mnt", "pid"};
    return with(std::move(more)).with_namespaces(fixture.target, {"user"});
  };
  CHECK(fixture.blamed(in_opened_user({{"uid", 0}, {"request", on_behalf}})) == "uid");
  CHECK(fixture.blamed(in_opened_user({{"gid", 0}, {"request", on_behalf}})) == "gid");
  CHECK(fixture.blamed(in_opened_user(
            {{"gid", 0}, {"request", read_request(kHostname)}, {"followingRequests", {on_behalf}}})) ==
        "gid");
  CHECK(succeeded(in_opened_user({{"request", on_behalf}}).send(fixture.owner)));
  CHECK(succeeded(in_opened_user({{"uid", 0}, {"gid", 0}}).send(fixture.owner)));
  CHECK(
      fixture.error_of(asking({{"namespace", {"mnt"}}, {"pid", 4194304}}).with_namespaces(second, {"net"})) ==
      "io.nsenterd.NoSuchTarget");
  fixture.check_nothing_left();
}

TEST_CASE("a namespace that was opened where it is mounted is joined", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const TemporaryDirectory directory;
  const std::string point = directory / "net";
  std::ofstream{point};
  const std::string source = proc_path(fixture.target, "ns/net");
  REQUIRE(::mount(source.c_str(), point.c_str(), nullptr, MS_BIND, nullptr) == 0);
  {
    const Json started = Parcel().with_namespace("net", open_file(point, O_RDONLY)).start(fixture.owner);
    CHECK(misplaced(started["processId"].get<pid_t>(), fixture.target, {"net"}).empty());
    CHECK(succeeded(fixture.owner.terminate(name_of(started))));
    CHECK(fixture.blamed(Parcel().with_namespace("ipc", open_file(point, O_RDONLY))) ==
          std::string(kNamespaces) + ".ipc");
  }
  CHECK(::umount2(point.c_str(), MNT_DETACH) == 0);
  fixture.check_nothing_left();
}

TEST_CASE("300 events with ten descriptors each leave none", "[e2e][opened]") {
  NSENTERD_NEEDS(missing_for_containers());
  DescriptorsFixture fixture;
  const auto of_fork_server = descriptors_of(fixture.daemon.fork_server());
  const auto parcel = [&] {
    return Parcel()
        .with_namespaces(fixture.second.pid())
        .with(kRoot, open_file(proc_path(fixture.second.pid(), "root"), O_PATH))
        .with(kDirectory, open_file(proc_path(fixture.second.pid(), "cwd"), O_PATH));
  };
  for (int i = 0; i < 300; ++i) REQUIRE(succeeded(parcel().send(fixture.owner)));
  // Each is closed on a thread of its own.
  CHECK(wait_until([&] { return fixture.namespaces_of_daemon().empty(); }));
  fixture.check_nothing_left();
  CHECK(wait_until([&] { return descriptors_of(fixture.daemon.fork_server()) == of_fork_server; }));
  // And those whose client does not wait.
  for (int i = 0; i < 50; ++i) {
    RawClient leaving(fixture.daemon.socket());
    Json call{{"method", "io.nsenterd.SendRequest"}};
    call["parameters"] = {{"request", sleep_request(60)}, {kNamespaces, {{"net", 0}, {"mnt", 1}}}};
    const UniqueFd network = open_namespace_file(fixture.target, "net");
    const UniqueFd mounts = open_namespace_file(fixture.target, "mnt");
    leaving.send(call.dump() + '\0', {network.get(), mounts.get(), network.get()});
  }
  // When one that came later is served, these have been accepted; when it is gone, so are they.
  RawClient last(fixture.daemon.socket());
  last.call("org.varlink.service.GetInfo");
  last.close();
  CHECK(wait_until([&] { return fixture.other.statistics()["clients"] == 2; }));
  fixture.check_nothing_left();
}

}  // namespace
}  // namespace nsenterd::test
