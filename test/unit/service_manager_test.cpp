// What a service manager hands over to the daemon, as it is afterwards (daemon/service_manager.hpp).
#include "daemon/service_manager.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace nsenterd::test {
namespace {

using daemon::ServiceManager;

/// Whether it is true in a process that has been handed over one socket. Its descriptor 3 is no one else's then.
bool is_true_when_activated(const std::function<bool(ServiceManager&)>& claim) {
  const pid_t child = ::fork();
  if (child == 0) {
    // An address of the kernel's choice.
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr address{AF_UNIX, {}};
    bool made =
        ::bind(socket.get(), &address, sizeof address.sa_family) == 0 && ::listen(socket.get(), 1) == 0;
    made = made && (socket.get() == 3 || ::dup2(socket.get(), 3) == 3);
    const std::string pid = std::to_string(::getpid());
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", "varlink", 1);
    ::setenv("NOTIFY_SOCKET", "@nsenterd-test-nobody", 1);
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "5000000", 1);
    ServiceManager manager;
    ::_exit(made && claim(manager) ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("a socket handed over is non-blocking, and closed when another program is executed", "[daemon]") {
  CHECK(is_true_when_activated([](ServiceManager& /*manager*/) {
    const auto sockets = ServiceManager::take_sockets();
    return sockets.size() == 1 && (::fcntl(sockets[0].get(), F_GETFL) & O_NONBLOCK) != 0 &&
           (::fcntl(sockets[0].get(), F_GETFD) & FD_CLOEXEC) != 0;
  }));
}

TEST_CASE("nothing of the service manager's stays in the environment, however much it is told", "[daemon]") {
  CHECK(is_true_when_activated([](ServiceManager& manager) {
    const auto sockets = ServiceManager::take_sockets();
    manager.ready();
    manager.status("at work");
    const std::array names{"LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES",
                           "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};
    return std::all_of(names.begin(), names.end(),
                       [](const char* name) { return std::getenv(name) == nullptr; });
  }));
}

TEST_CASE("the watchdog's time is known, and that somebody listens", "[daemon]") {
  CHECK(is_true_when_activated([](ServiceManager& manager) {
    return manager.is_listening() && manager.watchdog_time() == std::chrono::seconds(5);
  }));
}

TEST_CASE("without a service manager there is nothing to take and nobody to tell", "[daemon]") {
  ServiceManager manager;
  CHECK_FALSE(manager.is_listening());
  CHECK_FALSE(manager.watchdog_time());
  CHECK(ServiceManager::take_sockets().empty());
  CHECK_NOTHROW(manager.ready());
}

}  // namespace
}  // namespace nsenterd::test
