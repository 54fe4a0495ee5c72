#include "support/client_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::test {
namespace {

bool become(const Caller& caller, int user_namespace) {
  // There, one may not be allowed to change the groups (user_namespaces(7)).
  const bool ready = user_namespace >= 0 ? ::setns(user_namespace, CLONE_NEWUSER) == 0
                                         : ::setgroups(caller.groups.size(), caller.groups.data()) == 0;
  return ready && ::setresgid(caller.gid, caller.gid, caller.gid) == 0 &&
         ::setresuid(caller.uid, caller.uid, caller.uid) == 0;
}

/// In the child: connects, sends the connection through `channel`, and stays.
[[noreturn]] void serve(const Caller& caller, int user_namespace, const std::filesystem::path& path,
                        int channel) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Ends with the test; a change of credentials forgets that it should.
  if (!become(caller, user_namespace) || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::_exit(1);
  }
  char byte = 0;
  iovec part{&byte, 1};
  if (wire::send_with_descriptors(channel, {&part, 1}, {&socket, 1}, MSG_NOSIGNAL) != 1) ::_exit(1);
  ::close(socket);
  for (;;) ::pause();
}

}  // namespace

ClientProcess::ClientProcess(const Caller& caller, const std::filesystem::path& socket) {
  UniqueFd user_namespace;
  if (caller.container > 0) {
    user_namespace.reset(::open(proc_path(caller.container, "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    if (!user_namespace) throw std::system_error(errno, std::generic_category(), "open user");
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  const UniqueFd own(ends[0]);
  UniqueFd other(ends[1]);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) serve(caller, user_namespace.get(), socket, other.get());
  other.reset();
  char byte = 0;
  wire::ReceivedDescriptors<1> received;
  const ssize_t got = wire::receive_with_descriptors(own.get(), {&byte, 1}, received, 0);
  if (got != 1 || received.size() != 1) {
    end();
    throw std::runtime_error("the caller could not connect");
  }
  connection_ = received.take(0);
}

void ClientProcess::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace nsenterd::test
