#include "launch/fork_server_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::launch {
namespace {

using base::last_error;
using base::Result;

void reset_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// In the child of a process that may have threads: async-signal-safe calls only.
[[noreturn]] void execute(int program, char* const* environment, int control) noexcept {
  SpawnReply reply;
  reset_signals();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // Out of the way first: each may sit where another belongs.
  const int kept_program = ::fcntl(program, F_DUPFD_CLOEXEC, kControlSocket + 1);
  const int kept_control = ::fcntl(control, F_DUPFD_CLOEXEC, kControlSocket + 1);
  const int kept_null = ::fcntl(null, F_DUPFD_CLOEXEC, kControlSocket + 1);
  bool placed = kept_program >= 0 && kept_control >= 0 && kept_null >= 0;
  for (const int stream : {0, 1, 2}) placed = placed && ::dup2(kept_null, stream) >= 0;
  placed = placed && ::dup2(kept_control, kControlSocket) >= 0 &&
           base::close_range(kControlSocket + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (placed) {
    std::array<char, sizeof kForkServerName> name;
    std::memcpy(name.data(), kForkServerName, name.size());
    std::array<char*, 2> arguments{name.data(), nullptr};
    ::execveat(kept_program, "", arguments.data(), environment, AT_EMPTY_PATH);
  }
  reply.failure = {placed ? nsjoin::Step::execute : nsjoin::Step::place_descriptors, 0, errno};
  iovec part{&reply, sizeof reply};
  wire::send_with_descriptors(kept_control, {&part, 1}, {}, MSG_NOSIGNAL);
  ::_exit(127);
}

}  // namespace

Result<void> check_kernel() {
  // Arguments that every kernel which knows the call refuses.
  using Probe = std::pair<const char*, long (*)()>;
  constexpr std::array<Probe, 5> kNeeded{{
      {"clone3", [] { return ::syscall(SYS_clone3, nullptr, 0); }},
      {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, -1, 0); }},
      {"openat2", [] { return ::syscall(SYS_openat2, -1, nullptr, nullptr, 0); }},
      {"close_range", [] { return ::syscall(SYS_close_range, 1, 0, 0); }},
      {"fsopen", [] { return ::syscall(SYS_fsopen, nullptr, ~0U); }},
  }};
  for (const auto& [name, call] : kNeeded) {
    if (call() < 0 && errno == ENOSYS) return last_error(name);
  }
  return {};
}

Result<ForkServer> start_fork_server(const Program& program) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return last_error("socketpair");
  UniqueFd own(ends[0]);
  const UniqueFd other(ends[1]);
  if (::fcntl(own.get(), F_SETFL, O_NONBLOCK) != 0) return last_error("fcntl");
  std::vector<char*> environment;
  for (const std::string& variable : program.environment)
    environment.push_back(const_cast<char*>(variable.c_str()));
  environment.push_back(nullptr);
  int pidfd = -1;
  const pid_t pid = base::clone_process(CLONE_PIDFD, &pidfd, SIGCHLD);
  if (pid < 0) return last_error("clone3");
  if (pid == 0) execute(program.file.get(), environment.data(), other.get());
  return ForkServer{base::ChildProcess(pid, UniqueFd(pidfd)), std::move(own)};
}

Result<void> send_spawn_request(int control, const SpawnRequest& request, std::span<const int> descriptors) {
  iovec part{const_cast<SpawnRequest*>(&request), sizeof request};
  if (wire::send_with_descriptors(control, {&part, 1}, descriptors, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return last_error("sendmsg");
  }
  return {};
}

Result<ReceivedReply> receive_spawn_reply(int control) {
  ReceivedReply received;
  wire::ReceivedDescriptors<1> descriptors;
  const ssize_t got = wire::receive_with_descriptors(
      control, {reinterpret_cast<char*>(&received.reply), sizeof received.reply}, descriptors, MSG_DONTWAIT);
  // The reply itself has come, only its descriptor found no place: the child is to be reaped all the same.
  if (got < 0 && errno == EMSGSIZE) return received;
  if (got < 0) return last_error("recvmsg");
  if (got != sizeof received.reply) return base::SystemError{"recvmsg", ECONNRESET};
  received.pidfd = descriptors.take(0);
  return received;
}

}  // namespace nsenterd::launch
