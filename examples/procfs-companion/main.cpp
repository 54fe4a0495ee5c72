// procfs-companion: shows containers a /proc/sys, /proc/uptime and /proc/swaps of their own, through FUSE.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <nsenterd/client.hpp>

#include "companion.hpp"
#include "control_client.hpp"
#include "control_socket.hpp"

namespace procfs_companion {
namespace {

struct Options {
  std::string nsenterd = "/run/nsenterd/nsenterd.sock";
  std::filesystem::path root = "/run/procfs-companion";
  std::filesystem::path control = "/run/procfs-companion.sock";
  std::string name;
  pid_t pid = 0;
};

void set_up_process() {
  // A reader of our log that goes away is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  // Every call takes several descriptors; the soft limit is for programs that use select(2).
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("procfs-companion"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
}

void serve(const Options& options) {
  set_up_process();
  boost::asio::io_context context(1);
  nsenterd::Client client(context.get_executor(), {.socket = options.nsenterd});
  Companion companion(context.get_executor(), client, options.root);
  const ControlSocket control(context.get_executor(), companion, options.control);
  boost::asio::signal_set stop(context, SIGTERM, SIGINT);
  stop.async_wait([&context](const boost::system::error_code&, int) { context.stop(); });
  spdlog::info("serves below {}, listens at {}", options.root.native(), options.control.native());
  context.run();
}

void print_list(const nlohmann::json& reply) {
  for (const auto& container : reply.at("containers")) {
    const auto& pid = container.at("pid");
    std::cout << container.at("name").get<std::string>() << ' '
              << (pid.is_null() ? std::string("-") : std::to_string(pid.get<pid_t>()));
    for (const auto& [path, value] : container.at("limits").items()) std::cout << ' ' << path << '=' << value;
    std::cout << '\n';
  }
}

void define_commands(CLI::App& app, Options& options) {
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--control", options.control, "The companion's own socket")->capture_default_str();

  CLI::App* served = app.add_subcommand("serve", "Serve containers until SIGTERM");
  served->add_option("--socket", options.nsenterd, "nsenterd's socket")->capture_default_str();
  served->add_option("--root", options.root, "Where the trees of the containers are mounted, by their names")
      ->capture_default_str();
  served->callback([&options] { serve(options); });

  CLI::App* added = app.add_subcommand("add", "Mount the tree of a container that is about to be made");
  added->add_option("name", options.name, "What to call it")->required();
  added->callback([&options] { tell(options.control, {{"command", "add"}, {"name", options.name}}); });

  CLI::App* started = app.add_subcommand("start", "Say which process is a container's first");
  started->add_option("name", options.name, "The container")->required();
  started->add_option(
      "pid", options.pid,
      "Its first process; if it is not given, that of the OCI state on standard input, which hooks get");
  started->callback([&options] {
    const pid_t pid = options.pid != 0 ? options.pid : nlohmann::json::parse(std::cin).at("pid").get<pid_t>();
    tell(options.control, {{"command", "start"}, {"name", options.name}, {"pid", pid}});
  });

  CLI::App* attached = app.add_subcommand(
      "attach", "Put the tree of a running container over its /proc, in place of what is mounted there");
  attached->add_option("name", options.name, "The container")->required();
  attached->callback([&options] { tell(options.control, {{"command", "attach"}, {"name", options.name}}); });

  CLI::App* removed =
      app.add_subcommand("remove", "Unmount the tree of a container, and forget what it has set");
  removed->add_option("name", options.name, "The container")->required();
  removed->callback([&options] { tell(options.control, {{"command", "remove"}, {"name", options.name}}); });

  CLI::App* listed = app.add_subcommand(
      "list", "Show the containers, their first processes, and the limits that they have set");
  listed->callback([&options] { print_list(tell(options.control, {{"command", "list"}})); });
}

}  // namespace
}  // namespace procfs_companion

int main(int argc, char** argv) {
  procfs_companion::Options options;
  CLI::App app("Shows containers a /proc/sys, /proc/uptime and /proc/swaps of their own.",
               "procfs-companion");
  procfs_companion::define_commands(app, options);
  try {
    app.parse(argc, argv);
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : 2;
  } catch (const std::exception& failure) {
    std::cerr << "procfs-companion: " << failure.what() << '\n';
    return EXIT_FAILURE;
  }
}
