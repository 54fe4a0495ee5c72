// The configuration file, and what it configures (daemon).
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include <nsenterd/warm_agents.hpp>

#include "daemon/access.hpp"
#include "daemon/build_config.hpp"
#include "daemon/event_limits.hpp"
#include "daemon/log_options.hpp"
#include "daemon/metrics_file_options.hpp"
#include "varlink/limits.hpp"

namespace nsenterd::daemon {

/// nsenterd.toml(5) says what each means.
struct Configuration {
  std::filesystem::path socket = kDefaultSocket;
  AccessRules access;
  varlink::Limits connections;
  /// Events under way at most.
  std::size_t max_events = 512;
  EventLimits events;
  /// How long events that are under way may take when the daemon is told to end.
  std::chrono::milliseconds drain_time = std::chrono::seconds(10);
  WarmAgentLimits warm_agents;
  LogOptions logging;
  MetricsFileOptions metrics;
};

/// What is wrong with a configuration file: lines such as "nsenterd.toml:12: limits.events: is to be ...".
struct ConfigurationErrors {
  std::vector<std::string> lines;
};
[[noreturn]] void throw_exception_from_error(const ConfigurationErrors& errors,
                                             const boost::source_location& where);

/// Reads a file; what it does not mention keeps its default. Fails with all that is wrong about it, never with half of it
/// taken. A file that others than root and the daemon's user may write is refused: it says who may do everything. Blocks, also
/// for the system's databases of users and groups where the file has names.
boost::system::result<Configuration, ConfigurationErrors> load_configuration(
    const std::filesystem::path& file);

/// What differs between two configurations, by key: "limits.events".
struct ConfigurationChanges {
  /// What a running daemon can change.
  std::vector<std::string> applicable;
  /// What takes a restart.
  std::vector<std::string> at_restart;
};
ConfigurationChanges changes_between(const Configuration& before, const Configuration& after);

}  // namespace nsenterd::daemon
