#include "daemon/options.hpp"

#include <map>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "daemon/build_config.hpp"
#include "daemon/units.hpp"

namespace nsenterd::daemon {
namespace {

constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);

constexpr std::size_t kMostWarmAgents = 100'000;

void add_duration(CLI::App& app, const char* name, std::optional<std::chrono::milliseconds>& out,
                  const char* description) {
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = parse_duration(text); }, description)
      ->check([](const std::string& text) -> std::string {
        const auto duration = parse_duration(text);
        if (!duration) return "a number and its unit are needed";
        return *duration <= kLongest ? "" : "an hour is the most";
      })
      ->type_name("DURATION");
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  Options options{.agent = kDefaultAgent};
  CLI::App app("Runs operations inside the namespaces of other processes, for clients of its socket.",
               "nsenterd");
  app.set_version_flag("--version", std::string("nsenterd ") + kVersion);
  app.add_option("--config", options.config,
                 std::string("The configuration file (") + kDefaultConfiguration + " if it is there)");
  app.add_flag("--check-config", options.check_config, "Only say whether the configuration is right");
  app.add_option("--agent", options.agent, "The program that enters namespaces")->capture_default_str();
  app.add_option("--socket", options.socket,
                 std::string("The unix socket to serve (socket.path; ") + kDefaultSocket + ')');
  const std::map<std::string, spdlog::level::level_enum> levels{
      {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug}, {"info", spdlog::level::info},
      {"warn", spdlog::level::warn},   {"error", spdlog::level::err},   {"off", spdlog::level::off}};
  const std::map<std::string, LogFormat> formats{{"auto", LogFormat::automatic},
                                                 {"journal", LogFormat::journal},
                                                 {"text", LogFormat::text},
                                                 {"json", LogFormat::json}};
  app.add_option("--log-format", options.log_format,
                 "How is logged: journal, text, json or auto (logging.format; auto)")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT");
  app.add_option("--log-level", options.log_level,
                 "What is logged: trace, debug, info, warn, error or off (logging.level; info)")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->type_name("LEVEL");
  add_duration(
      app, "--drain-time", options.drain_time,
      "How long events under way may take on SIGTERM, such as 500ms, 10s, 1m (deadlines.drain; 10s)");
  app.add_option("--warm-agents", options.warm_agents,
                 "Agents kept for events to come; 0 keeps none (warm-agents.total; 256)")
      ->check(CLI::Range(std::size_t{0}, kMostWarmAgents))
      ->type_name("NUMBER");
  add_duration(app, "--warm-agent-time", options.warm_agent_time,
               "How long an agent is kept that has nothing to do (warm-agents.idle-time; 10s)");
  app.footer(
      "What is given here has precedence over the configuration file, whose keys are in parentheses, with\n"
      "their defaults: nsenterd.toml(5). SIGHUP reads that file anew; SIGTERM ends the daemon when the "
      "events\n"
      "under way have ended.\n");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

boost::system::result<Configuration, ConfigurationErrors> configure(const Options& options) {
  Configuration configuration;
  std::error_code ignored;
  // One that is there and cannot be read is an error, not a default.
  const bool is_there =
      std::filesystem::status(kDefaultConfiguration, ignored).type() != std::filesystem::file_type::not_found;
  if (options.config || is_there) {
    auto loaded = load_configuration(options.config.value_or(kDefaultConfiguration));
    if (!loaded) return loaded;
    configuration = std::move(*loaded);
  }
  if (options.socket) configuration.socket = *options.socket;
  if (options.log_format) configuration.logging.format = *options.log_format;
  if (options.log_level) configuration.logging.level = *options.log_level;
  if (options.drain_time) configuration.drain_time = *options.drain_time;
  if (options.warm_agents) configuration.warm_agents.agents = *options.warm_agents;
  if (options.warm_agent_time) configuration.warm_agents.idle_time = *options.warm_agent_time;
  return configuration;
}

}  // namespace nsenterd::daemon
