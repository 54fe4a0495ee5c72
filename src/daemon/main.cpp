// nsenterd: serves io.nsenterd on a unix socket. Joins no namespace itself.
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/memory.hpp"
#include "daemon/build_config.hpp"
#include "daemon/daemon.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/service_manager.hpp"
#include "varlink/listener.hpp"

namespace nsenterd::daemon {
namespace {

/// Every connection and every event takes several descriptors; the soft limit is for programs that use select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit of descriptors");
}

/// Processes of the host are told by the daemon's own mount namespace. A service manager may have given it another one.
void warn_of_own_mount_namespace() {
  struct stat own {};
  struct stat first {};
  if (::stat("/proc/self/ns/mnt", &own) != 0 || ::stat("/proc/1/ns/mnt", &first) != 0) return;
  if (own.st_dev == first.st_dev && own.st_ino == first.st_ino) return;
  spdlog::warn("not in the mount namespace of process 1: processes there are taken for those of containers");
}

int serve(const Options& options, const Configuration& configuration) {
  // Before there is a process that would inherit what it takes out of the environment.
  ServiceManager manager;
  std::vector<UniqueFd> sockets = ServiceManager::take_sockets();
  Log log(configuration.logging);
  log.write(RecordKind::starting, [](Record& record) { record.add(Field::version, kVersion); });
  warn_of_own_mount_namespace();
  raise_descriptor_limit();
  base::keep_freed_memory();
  try {
    Daemon daemon(options, configuration, log, manager);
    std::string name = "of the service manager";
    // Its path goes with it.
    std::optional<varlink::Listener> listener;
    if (sockets.empty()) {
      sockets.push_back(listener.emplace(configuration.socket).take_socket());
      name = configuration.socket.native();
    }
    daemon.serve(std::move(sockets), name);
    return 0;
  } catch (const std::exception& failure) {
    spdlog::error("{}", failure.what());
    return 1;
  }
}

}  // namespace
}  // namespace nsenterd::daemon

int main(int argc, char** argv) {
  using namespace nsenterd::daemon;
  int exit_status = 0;
  const auto options = parse_options(argc, argv, exit_status);
  if (!options) return exit_status;
  const auto configuration = configure(*options);
  if (!configuration) {
    // The way to the log is part of what is wrong.
    for (const std::string& line : configuration.error().lines) std::cerr << "nsenterd: " << line << '\n';
    return 2;
  }
  if (options->check_config) return 0;
  // A reader of our log that goes away is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return serve(*options, *configuration);
  } catch (const std::exception& failure) {
    // There is no log.
    std::cerr << "nsenterd: " << failure.what() << '\n';
    return 1;
  }
}
