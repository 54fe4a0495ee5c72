// mkdirat(2), with a suffix to the name.
#include <string_view>

#include <sys/stat.h>

#include "failure.hpp"
#include "module.hpp"
#include "path.hpp"

namespace seccomp_agent::inside {
namespace {

/// Before slashes at the end. "." and ".." are no names of something new.
std::string with_suffix(const std::string& name, const std::string& suffix) {
  const auto end = name.find_last_not_of('/') + 1;
  const auto bare = std::string_view(name).substr(0, end);
  if (bare.empty() || bare == "." || bare == "..") return name;
  return std::string(bare) + suffix + name.substr(end);
}

}  // namespace

Effect prepare_mkdir(const Memory& memory, const nlohmann::json& argument, int /*procfs*/) {
  const std::string path = read_path(memory, argument);
  const auto suffix = argument.at("suffix").get<std::string>();
  const auto mode = argument.at("mode").get<mode_t>();
  return [=] {
    const Place place = open_place(path);
    if (::mkdirat(place.directory.get(), with_suffix(place.name, suffix).c_str(), mode) != 0) fail("mkdirat");
    return Outcome();
  };
}

}  // namespace seccomp_agent::inside
