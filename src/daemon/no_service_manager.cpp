// In place of service_manager.cpp, in a build without libsystemd (daemon).
#include "daemon/service_manager.hpp"

namespace nsenterd::daemon {

// The other file's are not.
// NOLINTBEGIN(readability-convert-member-functions-to-static)

ServiceManager::ServiceManager() = default;

std::vector<UniqueFd> ServiceManager::take_sockets() {
  return {};
}

void ServiceManager::ready() {}

void ServiceManager::reloading() {}

void ServiceManager::stopping(std::chrono::microseconds /*limit*/) {}

void ServiceManager::alive() {}

void ServiceManager::status(const std::string& /*text*/) {}

// NOLINTEND(readability-convert-member-functions-to-static)

}  // namespace nsenterd::daemon
