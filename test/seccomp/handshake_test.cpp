// Whatever is sent to the agent's socket: it serves on, and keeps nothing.
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr char kHandshakePolicy[] = R"(
[limits]
containers = 2
[syscalls.fchmodat]
handler = "errno"
errno = "EBADMSG"
)";

Json state(const Json& descriptors) {
  return {{"ociVersion", "1.0.2"},
          {"fds", descriptors},
          {"pid", 1},
          {"metadata", ""},
          {"state", {{"id", "container"}, {"status", "creating"}, {"pid", 1}, {"bundle", "/"}}}};
}

/// A filter's descriptor, of a filter that catches nothing, of a thread of this process's that has ended.
UniqueFd make_seccomp_fd() {
  int fd = -1;
  std::thread([&fd] {
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{1, &allow};
    fd = static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  }).join();
  return UniqueFd(fd);
}

class HandshakeScene {
 public:
  HandshakeScene() : agent(kHandshakePolicy), before(agent.holdings()) {}

  /// Sends it, and waits until the agent closes the connection.
  bool closes(const std::string& text, const std::vector<int>& descriptors, bool ends = true) const {
    RawClient client(agent.process().socket());
    client.send(text, descriptors);
    if (ends) ::shutdown(client.descriptor(), SHUT_WR);
    return client.has_reply(std::chrono::seconds(10)) && !client.receive();
  }
  [[nodiscard]] bool says(const std::string& text) const { return test::says(agent, text); }

  SeccompAgent agent;
  SeccompAgent::Holdings before;
};

/// Whether another user's process can connect and is not sent away.
bool is_served_as(uid_t uid, const std::filesystem::path& socket) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setresuid(uid, uid, uid) != 0) ::_exit(2);
    try {
      const RawClient client(socket);
      ::_exit(client.has_reply(std::chrono::seconds(2)) ? 1 : 0);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

}  // namespace

TEST_CASE("bad input ends its connection, and nothing of it is kept") {
  NSENTERD_NEEDS(missing_root());
  const HandshakeScene scene;
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = file.get();
  const std::string good = state({"seccompFd"}).dump();
  CHECK(scene.closes("", {}));
  CHECK(scene.closes("{]garbage", {fd}));
  CHECK(scene.closes("[]", {fd}));
  CHECK(scene.closes(good.substr(0, good.size() / 2), {fd}));
  CHECK(scene.closes(good, {}));
  CHECK(scene.says("there are not as many descriptors as it says"));
  CHECK(scene.closes(good, {fd, fd}));
  CHECK(scene.closes(state({"other"}).dump(), {fd}));
  CHECK(scene.says("there is no \"seccompFd\" among its \"fds\""));
  CHECK(scene.closes(state({"seccompFd", "seccompFd"}).dump(), {fd, fd}));
  CHECK(scene.says("there are several \"seccompFd\""));
  CHECK(scene.closes(good, std::vector<int>(17, fd)));
  CHECK(scene.closes(good, std::vector<int>(200, fd)));
  CHECK(scene.says("too many descriptors"));
  // Only a descriptor of a filter is asked for notifications.
  CHECK(scene.closes(good, {fd}));
  CHECK(scene.says("the descriptor is not one of a seccomp filter"));
  Json no_pid = state({"seccompFd"});
  no_pid["pid"] = -1;
  CHECK(scene.closes(no_pid.dump(), {fd}));
  CHECK(scene.closes(std::string(2U << 20U, 'x'), {fd}, false));
  CHECK(scene.says("too long"));
  CHECK(scene.agent.holds_only(scene.before));
}

TEST_CASE("a peer that never finishes is not waited for") {
  NSENTERD_NEEDS(missing_root());
  const HandshakeScene scene;
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(scene.closes("{\"fds\":", {file.get()}, false));
  CHECK(scene.says("has not come in time"));
  CHECK(scene.agent.holds_only(scene.before));
}

TEST_CASE("only root is served") {
  NSENTERD_NEEDS(missing_root());
  HandshakeScene scene;
  const auto& socket = scene.agent.process().socket();
  struct stat status {};
  REQUIRE(::stat(socket.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK_FALSE(is_served_as(1000, socket));
  // Even if somebody opens the socket to others.
  REQUIRE(::chmod(socket.c_str(), 0666) == 0);
  CHECK_FALSE(is_served_as(1000, socket));
  CHECK(scene.says("the peer is not root"));
  CHECK(is_served_as(0, socket));
}

TEST_CASE(
    "a state that comes in parts is understood; more descriptors are closed; a filter without processes "
    "ends") {
  NSENTERD_NEEDS(missing_root());
  const HandshakeScene scene;
  const std::string text = state({"other", "seccompFd"}).dump();
  const UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd seccomp_fd = make_seccomp_fd();
  REQUIRE(seccomp_fd);
  RawClient client(scene.agent.process().socket());
  REQUIRE(client.send(text.substr(0, 10), {other.get()}));
  ::usleep(20000);
  REQUIRE(client.send(text.substr(10, 10), {seccomp_fd.get()}));
  ::usleep(20000);
  REQUIRE(client.send(text.substr(20)));
  CHECK(scene.says("container: process 1 is served"));
  CHECK(scene.says("container: process 1 has ended"));
  CHECK(scene.agent.holds_only(scene.before));
}

TEST_CASE("containers beyond the limit are not served") {
  NSENTERD_NEEDS(missing_for_containers());
  const HandshakeScene scene;
  const Profile profile{.calls = {"fchmodat"}, .metadata = {}, .capabilities = {}};
  const ProfiledContainer first(RuncContainer::UserNamespace::none, scene.agent, profile);
  const ProfiledContainer second(RuncContainer::UserNamespace::none, scene.agent, profile);
  // The kernel says so when a filter has nobody who listens.
  CHECK(first.probe({"fchmodat", "/", "0755"}) == "ENOSYS");
  CHECK(scene.says("too many containers"));
}

}  // namespace nsenterd::test
