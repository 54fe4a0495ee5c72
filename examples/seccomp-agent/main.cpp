// seccomp-agent: handles system calls of containers, as a policy says, through descriptors that their runtime hands over.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <nsenterd/module.hpp>
#include <nsenterd/module_runner.hpp>

#include "agent.hpp"
#include "inside/module.hpp"
#include "policy.hpp"

namespace seccomp_agent {
namespace {

struct Options {
  std::filesystem::path socket = "/run/seccomp-agent.sock";
  std::filesystem::path policy = "/etc/seccomp-agent.toml";
  bool check_policy = false;
};

/// Nothing, and the exit status, if there is nothing to do.
std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  Options options;
  CLI::App app("Handles system calls of containers, as a policy says.", "seccomp-agent");
  app.add_option("--socket", options.socket, "Where to listen: the \"listenerPath\" of seccomp profiles")
      ->capture_default_str();
  app.add_option("--policy", options.policy, "Which call is answered how")->capture_default_str();
  app.add_flag("--check-policy", options.check_policy, "Only say what is wrong with the policy");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? EXIT_SUCCESS : 2;
    return std::nullopt;
  }
  return options;
}

void set_up_process() {
  // A reader of our log that goes away is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  // Every call takes several descriptors; the soft limit is for programs that use select(2).
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("seccomp-agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
}

/// Calls the function for each such signal.
void on_signals(boost::asio::signal_set& signals, const std::function<void()>& function) {
  signals.async_wait([&signals, function](const boost::system::error_code& error, int) {
    if (error) return;
    function();
    on_signals(signals, function);
  });
}

int serve(const Options& options, const Policy& policy) {
  boost::asio::io_context context(1);
  auto created = nsenterd::ModuleRunner::create(context.get_executor());
  if (!created) {
    spdlog::error("cannot run modules: {}", to_string(created.error()));
    return EXIT_FAILURE;
  }
  std::optional runner(std::move(*created));
  Agent agent(context, policy, *runner, options.socket);
  boost::asio::signal_set stop(context, SIGTERM, SIGINT);
  on_signals(stop, [&agent] { agent.stop(); });
  boost::asio::signal_set report(context, SIGUSR1);
  on_signals(report, [&agent] { agent.log_counters(); });
  spdlog::info("listening on {}", options.socket.native());
  context.run();
  // While those are still there who wait for it.
  runner.reset();
  agent.log_counters();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace seccomp_agent

int main(int argc, char** argv) {
  using namespace seccomp_agent;
  // Inside a container, this program ends in init().
  inside::register_modules();
  nsenterd::init();

  int exit_status = EXIT_SUCCESS;
  const auto options = parse_options(argc, argv, exit_status);
  if (!options) return exit_status;
  try {
    const Policy policy = read_policy(options->policy);
    if (options->check_policy) return EXIT_SUCCESS;
    set_up_process();
    return serve(*options, policy);
  } catch (const std::exception& failure) {
    std::cerr << "seccomp-agent: " << failure.what() << '\n';
    return EXIT_FAILURE;
  }
}
