#include "container_process.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

namespace seccomp_agent {
namespace {

using Json = nlohmann::json;

std::size_t index_of_seccomp_fd(const std::vector<std::string>& names) {
  constexpr auto kName = "seccompFd";
  const auto found = std::find(names.begin(), names.end(), kName);
  if (found == names.end()) throw std::invalid_argument("there is no \"seccompFd\" among its \"fds\"");
  if (std::count(names.begin(), names.end(), kName) > 1) {
    throw std::invalid_argument("there are several \"seccompFd\" among its \"fds\"");
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

bool is_whole_state(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  return end != std::string_view::npos && text[end] == '}' && Json::accept(text);
}

StateMessage parse_state(std::string_view text) {
  try {
    const Json message = Json::parse(text);
    const auto names = message.at("fds").get<std::vector<std::string>>();
    const Json& pid = message.at("pid");
    if (!pid.is_number_integer() || pid < 1 || pid > 1 << 22)
      throw std::invalid_argument("its \"pid\" is none");
    return {.process = {.container = message.at("state").at("id").get<std::string>(),
                        .pid = pid.get<pid_t>(),
                        .metadata = message.value("metadata", "")},
            .seccomp_fd = index_of_seccomp_fd(names),
            .descriptors = names.size()};
  } catch (const Json::exception& failure) {
    throw std::invalid_argument(failure.what());
  }
}

}  // namespace seccomp_agent
