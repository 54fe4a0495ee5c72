#include "daemon/options.hpp"

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "daemon/build_config.hpp"

namespace nsenterd::daemon {

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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace nsenterd::daemon
