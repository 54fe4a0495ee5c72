// mknodat(2). Whether the policy allows the device has been decided by the agent.
#include <sys/stat.h>

#include "failure.hpp"
#include "module.hpp"
#include "path.hpp"

namespace seccomp_agent::inside {

Effect prepare_mknod(const Memory& memory, const nlohmann::json& argument, int /*procfs*/) {
  const std::string path = read_path(memory, argument);
  const auto mode = argument.at("mode").get<mode_t>();
  const auto device = argument.at("device").get<dev_t>();
  return [=] {
    const Place place = open_place(path);
    if (::mknodat(place.directory.get(), place.name.c_str(), mode, device) != 0) fail("mknodat");
    return Outcome();
  };
}

}  // namespace seccomp_agent::inside
