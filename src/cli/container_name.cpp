#include "cli/container_name.hpp"

#include <algorithm>

#include "cli/read_all.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShownDigits = 12;

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// What stands before the first `separator`, or all of it; that is taken off the text.
std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view taken = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

/// What is behind a prefix and before a suffix; empty where they are not there.
std::string_view between(std::string_view text, std::string_view prefix, std::string_view suffix) {
  if (text.size() < prefix.size() + suffix.size()) return {};
  if (!text.starts_with(prefix) || !text.ends_with(suffix)) return {};
  return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
}

/// Of one cgroup: "docker-ID.scope", "cri-containerd-ID.scope", "ID", "SLICE:cri-containerd:ID", "lxc.payload.NAME",
/// "machine-NAME.scope", "systemd-nspawn@NAME.service".
std::string_view name_of(std::string_view cgroup) {
  for (const auto& [prefix, suffix] : {std::pair("lxc.payload.", ""), std::pair("machine-", ".scope"),
                                       std::pair("systemd-nspawn@", ".service")}) {
    if (const auto name = between(cgroup, prefix, suffix); !name.empty()) return name;
  }
  constexpr std::string_view kScope = ".scope";
  if (cgroup.ends_with(kScope)) cgroup.remove_suffix(kScope.size());
  const std::string_view id = cgroup.substr(cgroup.find_last_of("-:") + 1);
  return is_id(id) ? id.substr(0, kShownDigits) : std::string_view();
}

}  // namespace

std::optional<std::string> container_of(std::string_view cgroups) {
  while (!cgroups.empty()) {
    // "HIERARCHY:CONTROLLERS:PATH"
    std::string_view path = take_until(cgroups, '\n');
    take_until(path, ':');
    take_until(path, ':');
    while (!path.empty()) {
      const std::string_view name = name_of(take_until(path, '/'));
      if (!name.empty()) return std::string(name);
    }
  }
  return std::nullopt;
}

std::string container_name(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  if (const auto cgroups = read_file(directory + "/cgroup")) {
    if (auto name = container_of(*cgroups)) return std::move(*name);
  }
  const auto command = read_file(directory + "/comm");
  if (!command) return {};
  // The kernel ends it with a newline, besides those that it may have itself.
  return command->substr(0, command->size() - (command->ends_with('\n') ? 1 : 0));
}

}  // namespace nsenterd::cli
