#include "support/service_manager.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "support/daemon.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd bound_socket(const std::filesystem::path& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("bind " + path.native());
  }
  return socket;
}

}  // namespace

ServiceManager::ServiceManager() {
  notifications_ = bound_socket(directory_ / "notify", SOCK_DGRAM);
}

ServiceManager::~ServiceManager() {
  send_signal(SIGKILL);
  wait();
}

UniqueFd ServiceManager::listen(int type) const {
  UniqueFd listening = bound_socket(socket(), type);
  if (type != SOCK_DGRAM && ::listen(listening.get(), SOMAXCONN) != 0) fail("listen");
  return listening;
}

void ServiceManager::start(const Start& how) {
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) become_daemon(how);
}

void ServiceManager::become_daemon(const Start& how) const {
  const int null = ::open("/dev/null", O_RDWR);
  const int log = ::open((directory_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(null, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  // Out of the way first: a number that is given may be another one's place.
  std::vector<int> above;
  for (const int socket : how.sockets) above.push_back(::fcntl(socket, F_DUPFD, 100));
  int next = 3;
  for (const int socket : above) {
    ::dup2(socket, next++);
    ::close(socket);
  }
  const std::string pid = std::to_string(::getpid());
  ::setenv("NOTIFY_SOCKET", (directory_ / "notify").c_str(), 1);
  if (!how.sockets.empty()) {
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(how.sockets.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", how.names.c_str(), 1);
  }
  if (how.watchdog.count() != 0) {
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    ::setenv("WATCHDOG_USEC", std::to_string(how.watchdog.count()).c_str(), 1);
  }
  std::vector<std::string> command{program_under_test("NSENTERD"),
                                   "--socket",
                                   directory_ / "unused",
                                   "--agent",
                                   program_under_test("NSENTER_AGENT"),
                                   "--log-level",
                                   "debug"};
  command.insert(command.end(), how.options.begin(), how.options.end());
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

std::string ServiceManager::log() const {
  return read_file(directory_ / "log");
}

void ServiceManager::send_signal(int signal) const {
  if (pid_ != 0) ::kill(pid_, signal);
}

int ServiceManager::wait() {
  if (pid_ == 0) return -1;
  int status = 0;
  if (!wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, std::chrono::seconds(10)))
    return -1;
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<std::string> ServiceManager::told(const std::string& prefix,
                                                std::chrono::milliseconds limit) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + limit;
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
    pollfd readable{notifications_.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(left.count())) != 1) break;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(notifications_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) fail("recv");
    std::string message(buffer.data(), static_cast<std::size_t>(got));
    if (message.starts_with(prefix)) return message;
  }
  return std::nullopt;
}

}  // namespace nsenterd::test
