#include "daemon/options.hpp"

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/build_config.hpp"

namespace nsenterd::daemon {
namespace {

/// In milliseconds.
constexpr std::int64_t kHour = 3'600'000;

constexpr std::size_t kMostWarmAgents = 100'000;

std::string needs_number(const std::string& text) {
  return text.empty() || text.front() < '0' || text.front() > '9' ? "a number and its unit are needed" : "";
}

void add_duration(CLI::App& app, const char* name, std::chrono::milliseconds& out, const char* description,
                  const char* default_text) {
  const std::map<std::string, std::int64_t> units{{"ms", 1}, {"s", 1000}, {"m", 60000}};
  app.add_option_function<std::int64_t>(
         name, [&out](const std::int64_t& count) { out = std::chrono::milliseconds(count); }, description)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED))
      // Comes before it: CLI11 takes a unit without a number for 0.
      ->transform(CLI::Validator(needs_number, ""))
      ->check(CLI::Range(std::int64_t{0}, kHour))
      ->type_name("DURATION")
      ->default_str(default_text);
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  Options options{.socket = kDefaultSocket, .agent = kDefaultAgent};
  CLI::App app("Runs operations inside the namespaces of other processes, for clients of its socket.",
               "nsenterd");
  app.set_version_flag("--version", std::string("nsenterd ") + kVersion);
  app.add_option("--socket", options.socket, "The unix socket to serve")->capture_default_str();
  app.add_option("--agent", options.agent, "The program that enters namespaces")->capture_default_str();
  const std::map<std::string, spdlog::level::level_enum> levels{
      {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug}, {"info", spdlog::level::info},
      {"warn", spdlog::level::warn},   {"error", spdlog::level::err},   {"off", spdlog::level::off}};
  app.add_option("--log-level", options.log_level, "What is logged: trace, debug, info, warn, error or off")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->type_name("LEVEL")
      ->default_str("info");
  add_duration(app, "--drain-time", options.drain_time,
               "How long events under way may take on SIGTERM, such as 500ms, 10s, 1m", "10s");
  app.add_option("--warm-agents", options.warm_agents.agents, "Agents kept for events to come; 0 keeps none")
      ->check(CLI::Range(std::size_t{0}, kMostWarmAgents))
      ->type_name("NUMBER")
      ->capture_default_str();
  add_duration(app, "--warm-agent-time", options.warm_agents.idle_time,
               "How long an agent is kept that has nothing to do", "10s");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace nsenterd::daemon
