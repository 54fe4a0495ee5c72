// mount(2) of a new filesystem. Which flags the policy allows has been decided by the agent; the type is in the thread's memory.
#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "failure.hpp"
#include "module.hpp"
#include "path.hpp"

namespace seccomp_agent::inside {
namespace {

/// mount(2) takes a page of options at most.
constexpr std::size_t kMostData = 4096;

std::string read_optional(const Memory& memory, const nlohmann::json& address, std::size_t most = PATH_MAX) {
  const auto number = address.get<std::uint64_t>();
  return number == 0 ? "" : memory.read_string(number, most, EINVAL);
}

Outcome mount_at(const std::string& path, const std::string& source, const std::string& type,
                 std::uint64_t flags, const std::string& data) {
  // By the directory itself: mount(2) would follow magic links on the path.
  const auto directory = open_path(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (!directory || ::fchdir(directory.get()) != 0) fail("directory");
  const char* options = data.empty() ? nullptr : data.c_str();
  if (::mount(source.c_str(), ".", type.c_str(), flags, options) != 0) fail("mount");
  return {};
}

}  // namespace

Effect prepare_mount(const Memory& memory, const nlohmann::json& argument, int /*procfs*/) {
  const std::string path = read_path(memory, argument);
  const std::string type = read_optional(memory, argument.at("type"));
  const std::string source = read_optional(memory, argument.at("source"));
  const std::string data = read_optional(memory, argument.at("data"), kMostData);
  const auto types = argument.at("types").get<std::vector<std::string>>();
  const bool is_allowed = std::find(types.begin(), types.end(), type) != types.end();
  // A tmpfs has a size, a mode, an owner. The others' options change what they show of the host, or of other users.
  if (!is_allowed || (type != "tmpfs" && !data.empty())) return [] { return Outcome{.refused = true}; };
  const auto flags = argument.at("flags").get<std::uint64_t>();
  return [=] { return mount_at(path, source, type, flags, data); };
}

}  // namespace seccomp_agent::inside
