#include "daemon/service_manager.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

namespace nsenterd::daemon {
namespace {

constexpr const char* kNotifySocket = "NOTIFY_SOCKET";
/// The name of our sockets (systemd.socket(5), FileDescriptorName=), which the units and varlinkctl(1) know them by.
constexpr std::string_view kSocketName = "varlink";

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text(value == nullptr ? "" : value);
  ::unsetenv(name);
  return text;
}

/// The names that sd_listen_fds_with_names(3) has allocated, one by one and as a list.
struct FreeNames {
  void operator()(char** names) const noexcept {
    for (char** name = names; *name != nullptr; ++name) std::free(*name);
    std::free(names);
  }
};

void check_socket(int descriptor, std::string_view name) {
  const auto refuse = [&](const char* why) {
    throw std::runtime_error("descriptor " + std::to_string(descriptor) +
                             ", which the service manager calls \"" + std::string(name) + "\", " + why);
  };
  if (name != kSocketName) refuse("is none of ours: theirs is \"varlink\"");
  if (::sd_is_socket(descriptor, AF_UNIX, SOCK_STREAM, 1) <= 0) refuse("is no listening unix stream socket");
}

void set_nonblocking(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "fcntl");
  }
}

}  // namespace

ServiceManager::ServiceManager() : notify_socket_(take_variable(kNotifySocket)) {
  std::uint64_t time = 0;
  if (::sd_watchdog_enabled(1, &time) > 0) watchdog_time_ = std::chrono::microseconds(time);
}

std::vector<UniqueFd> ServiceManager::take_sockets() {
  char** raw_names = nullptr;
  // Closes them on execution, too.
  const int count = ::sd_listen_fds_with_names(1, &raw_names);
  if (count < 0) throw std::system_error(-count, std::generic_category(), "sd_listen_fds_with_names");
  const std::unique_ptr<char*, FreeNames> names(raw_names);
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < count; ++i) {
    UniqueFd& socket = sockets.emplace_back(SD_LISTEN_FDS_START + i);
    check_socket(socket.get(), names.get()[i]);
    set_nonblocking(socket.get());
  }
  return sockets;
}

void ServiceManager::ready() {
  notify("READY=1");
}

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto time = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  notify("RELOADING=1\nMONOTONIC_USEC=" +
         std::to_string(std::chrono::floor<std::chrono::microseconds>(time).count()));
}

void ServiceManager::stopping(std::chrono::microseconds limit) {
  // Shortens nothing: it counts only where TimeoutStopSec= has passed.
  notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(limit.count()));
}

void ServiceManager::alive() {
  notify("WATCHDOG=1");
}

void ServiceManager::status(const std::string& text) {
  notify("STATUS=" + text);
}

void ServiceManager::notify(const std::string& state) {
  if (!is_listening()) return;
  // It looks nowhere else; and takes it out again.
  ::setenv(kNotifySocket, notify_socket_.c_str(), 1);
  const int sent = ::sd_notify(1, state.c_str());
  if (sent < 0)
    spdlog::debug("cannot notify the service manager: {}", std::generic_category().message(-sent));
}

}  // namespace nsenterd::daemon
