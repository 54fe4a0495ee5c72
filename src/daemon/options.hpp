// The daemon's command line (daemon).
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include <spdlog/common.h>

#include "daemon/configuration.hpp"

namespace nsenterd::daemon {

/// What is given here has precedence over the configuration file.
struct Options {
  /// The configuration file, if one is named: the default one need not be there.
  std::optional<std::filesystem::path> config;
  /// Only say whether the configuration is right.
  bool check_config = false;
  std::filesystem::path agent;
  std::optional<std::filesystem::path> socket;
  std::optional<LogFormat> log_format;
  std::optional<spdlog::level::level_enum> log_level;
  std::optional<std::chrono::milliseconds> drain_time;
  std::optional<std::size_t> warm_agents;
  std::optional<std::chrono::milliseconds> warm_agent_time;
};

/// Nothing when the process is to end with `exit_status`: after --help, --version or wrong usage, which has
/// been said already.
std::optional<Options> parse_options(int argc, char** argv, int& exit_status);

/// The configuration that the file and the command line make together. Fails as load_configuration().
boost::system::result<Configuration, ConfigurationErrors> configure(const Options& options);

}  // namespace nsenterd::daemon
