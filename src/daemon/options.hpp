// The daemon's command line (daemon).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include <spdlog/common.h>

#include <nsenterd/warm_agents.hpp>

namespace nsenterd::daemon {

struct Options {
  std::filesystem::path socket;
  std::filesystem::path agent;
  spdlog::level::level_enum log_level = spdlog::level::info;
  /// How long events that are under way may take when the daemon is told to end.
  std::chrono::milliseconds drain_time = std::chrono::seconds(10);
  WarmAgentLimits warm_agents;
};

/// Nothing when the process is to end with `exit_status`: after --help, --version or wrong usage, which has
/// been said already.
std::optional<Options> parse_options(int argc, char** argv, int& exit_status);

}  // namespace nsenterd::daemon
