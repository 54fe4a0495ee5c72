// Who may do what: every kind of caller, every method and message, every kind of target.
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "configured_daemon.hpp"
#include "support/catch.hpp"
#include "support/client_process.hpp"
#include "support/container.hpp"
#include "support/message_requests.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr uid_t kAll = 61001;
constexpr uid_t kOwner = 61002;
constexpr uid_t kOther = 61003;
constexpr gid_t kAllGroup = 62001;
constexpr gid_t kOwnersGroup = 62002;
constexpr gid_t kOtherGroup = 62003;

constexpr char kConfiguration[] = R"(
[access.users]
61001 = "all"
61002 = "owned"
[access.groups]
62001 = "all"
62002 = "owned"
)";

constexpr char kAllowed[] = "allowed";
constexpr char kDenied[] = "denied";

/// The error's name, "denied" for PermissionDenied, or "allowed" where there is an answer, if only an errorResponse.
std::string verdict(const Json& reply) {
  const std::string error = reply.value("error", "");
  if (error == "org.varlink.service.PermissionDenied") return kDenied;
  if (error == "io.nsenterd.JoinFailed") return reply.dump();
  return error.empty() ? kAllowed : error;
}

/// One of each message that there is.
std::vector<Json> all_messages() {
  namespace m = message;
  return {m::read_file("/etc/hostname"),
          m::write_file("/nonexistent/file", "eA=="),
          m::open_file("/etc/hostname", O_RDONLY),
          m::lookup("/etc"),
          m::read_dir("/etc"),
          m::read_link("/proc/self"),
          m::mount({m::tmpfs_on("/nonexistent")}),
          m::umount({m::umount_of("/nonexistent")}),
          m::chown({m::owner_of("/nonexistent", 0, 0)}),
          m::mount_info(),
          m::mount_inode({"/"}),
          m::setxattr("/nonexistent", "user.a", "eA=="),
          m::getxattr("/nonexistent", "user.a", 16),
          m::removexattr("/nonexistent", "user.a"),
          m::listxattr("/nonexistent", 16),
          openat2_request({}, {.path = "/nonexistent"}),
          {{"message", "uidInfoRequest"}, {"payload", {{"user", "root"}}}},
          {{"message", "gidInfoRequest"}, {"payload", {{"group", "root"}}}},
          sleep_request(0)};
}

/// A process that has been reaped, and a pidfd of it.
struct Dead {
  pid_t pid = ::fork();
  UniqueFd pidfd;
  Dead() {
    if (pid == 0) ::_exit(0);
    pidfd.reset(base::pidfd_open(pid));
    ::waitpid(pid, nullptr, 0);
  }
};

/// A process in new namespaces of these kinds, a user namespace among them, that the user has made, and in the host's others.
class HalfContainer {
 public:
  explicit HalfContainer(uid_t user, int created = CLONE_NEWUSER) : pid_(::fork()) {
    if (pid_ == 0) {
      // Undumpable, it could not write its own maps.
      const bool made = ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0 &&
                        ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0 &&
                        ::unshare(created) == 0;
      if (!made) ::_exit(1);
      const std::string map = "0 " + std::to_string(user) + " 1";
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/gid_map") << map;
      std::ofstream("/proc/self/uid_map") << map;
      for (;;) ::pause();
    }
    REQUIRE(wait_until(
        [this] { return read_file(proc_path(pid_, "uid_map")).find(" 1\n") != std::string::npos; }));
  }
  HalfContainer(const HalfContainer&) = delete;
  HalfContainer& operator=(const HalfContainer&) = delete;
  ~HalfContainer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

struct Targets {
  UnshareContainer own{kOwner};
  UnshareContainer others{kOther};
  UnshareContainer roots;
  RuncContainer runc{RuncContainer::UserNamespace::mapped};
  RuncContainer without_user_namespace{RuncContainer::UserNamespace::none};
  HalfContainer half{kOwner};
  Dead dead;

  [[nodiscard]] std::map<std::string, pid_t> all() const {
    return {{"own container", own.pid()},
            {"other's container", others.pid()},
            {"root's container", runc.pid()},
            {"container without user namespace", without_user_namespace.pid()},
            {"container that maps root", roots.pid()},
            {"half a container", half.pid()},
            {"host process", ::getpid()},
            {"dead process", dead.pid}};
  }
};

/// A row of docs/protocol.md's table.
struct Row {
  const char* name;
  Caller caller;
  /// Whether the process that connected is gone.
  bool is_stale;
  /// What methods without a target say.
  std::string methods;
  std::map<std::string, std::string> targets;
};

constexpr char kNoTarget[] = "io.nsenterd.NoSuchTarget";

std::map<std::string, std::string> everywhere(const std::string& verdict) {
  return {{"own container", verdict},
          {"other's container", verdict},
          {"root's container", verdict},
          {"container without user namespace", verdict},
          {"container that maps root", verdict},
          {"half a container", verdict},
          {"host process", verdict},
          {"dead process", verdict}};
}

std::map<std::string, std::string> containers(const std::string& own, const std::string& others,
                                              const std::string& with_hosts_root) {
  return {{"own container", own},
          {"other's container", others},
          {"root's container", others},
          {"container without user namespace", with_hosts_root},
          {"container that maps root", with_hosts_root},
          {"half a container", kDenied},
          {"host process", kDenied},
          {"dead process", kNoTarget}};
}

std::vector<Row> rows(const Targets& targets) {
  const auto of_root = containers(kAllowed, kAllowed, kAllowed);
  const auto of_all = containers(kAllowed, kAllowed, kDenied);
  const auto of_owner = containers(kAllowed, kDenied, kDenied);
  const auto nothing = everywhere(kDenied);
  return {{"root", {}, false, kAllowed, of_root},
          {"user, all", {kAll, kOtherGroup}, false, kAllowed, of_all},
          {"group, all", {kOther, kOtherGroup, {5, kAllGroup}}, false, kAllowed, of_all},
          {"user, owned", {kOwner, kOtherGroup}, false, kAllowed, of_owner},
          {"group, owned", {kOwner, kOwnersGroup}, false, kAllowed, of_owner},
          {"group, owned, not the owner",
           {61004, kOwnersGroup},
           false,
           kAllowed,
           containers(kDenied, kDenied, kDenied)},
          {"other user", {kOther, kOtherGroup}, false, kDenied, nothing},
          {"root inside a container", {.container = targets.runc.pid()}, false, kDenied, nothing},
          {"root inside the owner's container", {.container = targets.own.pid()}, false, kDenied, nothing},
          // Its number is root's on the host as well.
          {"root inside root's container", {.container = targets.roots.pid()}, false, kDenied, nothing},
          {"root, gone", {}, true, kDenied, nothing},
          {"user, all, gone", {kAll, kOtherGroup}, true, kDenied, nothing}};
}

/// A caller's connections: one for each call, since a refusal ends it.
class Calls {
 public:
  Calls(const Row& row, const Daemon& daemon) : row_(row), daemon_(daemon) {}

  Json call(const std::string& method, const Json& parameters, const std::vector<int>& descriptors = {}) {
    // It is to be gone when the daemon sees it first.
    if (row_.is_stale) daemon_.send_signal(SIGSTOP);
    ClientProcess process(row_.caller, daemon_.socket());
    if (row_.is_stale) {
      process.end();
      daemon_.send_signal(SIGCONT);
    }
    RawClient client(process.take_connection());
    return client.call(method, parameters, descriptors);
  }

  Json send(const Json& message, const Json& target, const std::vector<int>& descriptors = {}) {
    Json parameters{{"namespace", kContainerNamespaces}, {"request", message}};
    parameters.update(target);
    return call("io.nsenterd.SendRequest", parameters, descriptors);
  }

 private:
  const Row& row_;
  const Daemon& daemon_;
};

TEST_CASE("every caller may do what is documented, and nothing else", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const Targets targets;
  for (const Row& row : rows(targets)) {
    Calls calls(row, daemon);
    const std::map<std::string, Json> methods{
        {"org.varlink.service.GetInfo", Json::object()},
        {"org.varlink.service.GetInterfaceDescription", {{"interface", "io.nsenterd"}}},
        {"io.nsenterd.ListEvents", Json::object()},
        {"io.nsenterd.GetStatistics", Json::object()},
        {"io.nsenterd.GetMetrics", Json::object()}};
    for (const auto& [method, parameters] : methods) {
      CAPTURE(row.name, method);
      CHECK(verdict(calls.call(method, parameters)) == row.methods);
    }
    for (const char* method : {"io.nsenterd.ReceiveResponse", "io.nsenterd.TerminateRequest"}) {
      CAPTURE(row.name, method);
      const std::string expected = row.methods == kAllowed ? "io.nsenterd.NoSuchEvent" : kDenied;
      CHECK(verdict(calls.call(method, {{"event", "no event"}})) == expected);
    }
    for (const auto& [name, pid] : targets.all()) {
      for (const Json& message : all_messages()) {
        CAPTURE(row.name, name, message.at("message"));
        CHECK(verdict(calls.send(message, {{"pid", pid}})) == row.targets.at(name));
      }
      CAPTURE(row.name, name);
      const UniqueFd opened(name == "dead process" ? ::dup(targets.dead.pidfd.get()) : base::pidfd_open(pid));
      const Json by_pidfd =
          calls.send(read_request("/etc/hostname"), {{"pidFileDescriptor", 0}}, {opened.get()});
      CHECK(verdict(by_pidfd) == row.targets.at(name));
    }
  }
}

TEST_CASE("nobody but root acts with the host's files, or root's rights", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer own(kOwner);
  const Json shadow = read_request("/etc/shadow");
  for (const uid_t user : {kAll, kOwner}) {
    const Row row{.name = "", .caller = {user, kOtherGroup}, .is_stale = false, .methods = {}, .targets = {}};
    Calls calls(row, daemon);
    const auto answer = [&](const Json& more, const std::vector<int>& descriptors = {}) {
      Json target{{"pid", own.pid()}};
      target.update(more);
      return verdict(calls.send(shadow, target, descriptors));
    };
    CAPTURE(user);
    CHECK(answer(Json::object()) == kAllowed);
    for (const Json& namespaces : {Json::array(), Json{"net"}, Json{"user"}, Json{"mnt"},
                                   Json{"mnt", "pid", "net", "ipc", "uts", "cgroup"}, Json{"user", "net"}}) {
      CAPTURE(namespaces);
      CHECK(answer({{"namespace", namespaces}}) == kDenied);
      CHECK(answer({{"namespace", namespaces}, {"cloneFlags", CLONE_NEWNS | CLONE_NEWUSER}}) == kDenied);
    }
    const UniqueFd net(::open(proc_path(own.pid(), "ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd directory(::open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const Json without_net = {"user", "mnt", "pid", "ipc", "uts", "cgroup"};
    CHECK(answer({{"namespace", without_net}, {"namespaceFileDescriptors", {{"net", 0}}}}, {net.get()}) ==
          kDenied);
    CHECK(answer({{"rootFileDescriptor", 0}}, {directory.get()}) == kDenied);
    CHECK(answer({{"workingDirectoryFileDescriptor", 0}}, {directory.get()}) == kDenied);
    // The files in there are the host's. Whose rights the agent has is the kernel's word.
    const Json read = calls.send(shadow, {{"pid", own.pid()}});
    CHECK(read["parameters"]["response"]["payload"]["code"] == EACCES);
  }
}

TEST_CASE("nobody but root is shown the host's processes, or its network", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer own(kOwner);
  const HalfContainer shares_processes(kOwner, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET);
  const HalfContainer shares_network(kOwner, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID);
  Json processes = message::read_dir("/proc/");
  processes["payload"]["MountProcfs"] = true;
  Json network = message::read_dir("/sys/class/net");
  network["payload"]["MountSysfs"] = true;
  const Json without_pid = {"user", "mnt", "net"};
  const Json without_net = {"user", "mnt", "pid"};
  const Json with_both = {"user", "mnt", "pid", "net"};
  for (const uid_t user : {uid_t{0}, kAll, kOwner}) {
    const Row row{.name = "", .caller = {user, kOtherGroup}, .is_stale = false, .methods = {}, .targets = {}};
    const auto answer = [&](pid_t target, const Json& message, const Json& namespaces) {
      return verdict(Calls(row, daemon).send(message, {{"pid", target}, {"namespace", namespaces}}));
    };
    CAPTURE(user);
    const std::string hosts = user == 0 ? kAllowed : kDenied;
    CHECK(answer(own.pid(), processes, with_both) == kAllowed);
    CHECK(answer(own.pid(), processes, without_pid) == hosts);
    CHECK(answer(shares_processes.pid(), processes, with_both) == hosts);
    CHECK(answer(shares_processes.pid(), network, with_both) == kAllowed);
    CHECK(answer(own.pid(), network, with_both) == kAllowed);
    CHECK(answer(own.pid(), network, without_net) == hosts);
    CHECK(answer(shares_network.pid(), network, with_both) == hosts);
  }
}

TEST_CASE("a client that ends after it was admitted keeps its connection, but no process ids",
          "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer own(kOwner);
  const Dead dead;
  ClientProcess process({kOwner, kOtherGroup}, daemon.socket());
  RawClient client(process.take_connection());
  REQUIRE(verdict(client.call("org.varlink.service.GetInfo")) == kAllowed);
  process.end();
  CHECK(verdict(client.call("io.nsenterd.ListEvents")) == kAllowed);
  CHECK(client.request(own.pid(), read_request("/etc/hostname"))["parameters"]["parameter"] == "pid");
  const UniqueFd opened(base::pidfd_open(own.pid()));
  const Json parameters{{"namespace", kContainerNamespaces},
                        {"request", read_request("/etc/hostname")},
                        {"pidFileDescriptor", 0}};
  CHECK(verdict(client.call("io.nsenterd.SendRequest", parameters, {opened.get()})) == kAllowed);
  CHECK(verdict(client.call("io.nsenterd.SendRequest", parameters, {dead.pidfd.get()})) == kNoTarget);
  const UniqueFd host(base::pidfd_open(::getpid()));
  CHECK(verdict(client.call("io.nsenterd.SendRequest", parameters, {host.get()})) == kDenied);
}

TEST_CASE("a namespace below one's own is one's own", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer own(kOwner);
  const Row row{.name = "", .caller = {kOwner, kOtherGroup}, .is_stale = false, .methods = {}, .targets = {}};
  // Made by root of the container, whose number on the host is the owner's; by another of its users it would be his.
  const std::string inner = own.shell("unshare -Urm sleep 60 >/dev/null 2>&1 & echo $!");
  const auto host_number = [&] {
    for (const pid_t pid : children_of(own.pid())) {
      if (innermost_pid(pid) == std::stoi(inner) && process_name(pid) == "sleep") return pid;
    }
    return pid_t{0};
  };
  REQUIRE(wait_until([&] { return host_number() != 0; }));
  CHECK(verdict(Calls(row, daemon).send(read_request("/etc/hostname"), {{"pid", host_number()}})) ==
        kAllowed);
}

TEST_CASE("only root is told whom events have targeted", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer container;
  RawClient roots(daemon.socket());
  REQUIRE(verdict(roots.request(container.pid(), read_request("/etc/hostname"))) == kAllowed);
  CHECK(roots.call("io.nsenterd.GetStatistics")["parameters"]["targets"].size() == 1);
  ClientProcess process({kAll, kOtherGroup}, daemon.socket());
  RawClient client(process.take_connection());
  CHECK(client.call("io.nsenterd.GetStatistics")["parameters"]["targets"].empty());
}

TEST_CASE("events are their user's, and root's", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(kConfiguration);
  const UnshareContainer own(kOwner);
  ClientProcess process({kOwner, kOtherGroup}, daemon.socket());
  RawClient owner(process.take_connection());
  const Json started =
      owner.request(own.pid(), sleep_request(60), {{"async", true}, {"timeoutMilliseconds", 60000}});
  const std::string name = started.at("parameters").at("event");
  const auto events_of = [&](const Caller& caller) {
    ClientProcess another(caller, daemon.socket());
    RawClient client(another.take_connection());
    return client.call("io.nsenterd.ListEvents")["parameters"]["events"].size();
  };
  const auto terminate_as = [&](const Caller& caller) {
    ClientProcess another(caller, daemon.socket());
    RawClient client(another.take_connection());
    return client.call("io.nsenterd.TerminateRequest", {{"event", name}});
  };
  CHECK(events_of({kOwner, kOtherGroup}) == 1);
  CHECK(events_of({kAll, kOtherGroup}) == 0);
  CHECK(events_of({}) == 1);
  static_cast<void>(terminate_as({kAll, kOtherGroup}));
  CHECK(events_of({}) == 1);
  CHECK(verdict(terminate_as({})) == kAllowed);
  CHECK(events_of({}) == 0);
}

TEST_CASE("a process of the host is a target where the configuration says so, for root", "[e2e][access]") {
  NSENTERD_NEEDS(missing_for_containers());
  const ConfiguredDaemon daemon(std::string("access.allow-host-targets = true\n") + kConfiguration);
  const auto as = [&](uid_t user, pid_t target) {
    const Row row{.name = "", .caller = {user, kOtherGroup}, .is_stale = false, .methods = {}, .targets = {}};
    return Calls(row, daemon).send(read_request("/etc/hostname"), {{"pid", target}});
  };
  const HalfContainer half(kOwner);
  CHECK(verdict(as(0, ::getpid())) == kAllowed);
  CHECK(verdict(as(kAll, ::getpid())) == kDenied);
  CHECK(verdict(as(kOwner, ::getpid())) == kDenied);
  // With no more rights than its user has anyway.
  CHECK(verdict(as(kOwner, half.pid())) == kAllowed);
}

}  // namespace
}  // namespace nsenterd::test
