#include "cli/options.hpp"

#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/arguments.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {
namespace {

constexpr char kFooter[] =
    "\nOptions may come before or after the command.\n"
    "NAMESPACES: names with commas between: user, mnt, pid, net, ipc, uts, cgroup, time; or none.\n"
    "\n"
    "Control characters in names and errors are shown escaped (\\n, \\x1b, \\\\). `read` prints bytes as "
    "they are;\n"
    "`readlink` escapes only if standard output is a terminal. With --json, `read` and `write` print one "
    "line for\n"
    "each request that they make (1 MiB).\n"
    "\n"
    "Exit status: 0 success; 1 the operation failed, or standard input or output did; 2 wrong usage;\n"
    "3 the daemon refused, could not be reached, or did not answer.\n";

std::optional<std::string> parse_path(std::string_view text) {
  // JSON carries nothing else.
  if (!wire::is_utf8(text)) return std::nullopt;
  return std::string(text);
}

/// An option, or an argument, whose value `parse` turns into `target`, or refuses by returning nothing.
template <class Parse, class T>
CLI::Option* add_parsed(CLI::App& app, const std::string& name, Parse parse, T& target, const char* type,
                        const char* description) {
  const auto assign = [parse, &target](const CLI::results_t& typed) {
    const auto value = parse(typed.front());
    if (value) target = *value;
    return value.has_value();
  };
  return app.add_option(name, assign, description)->type_name(type);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--socket", options.socket, "The daemon's socket")->type_name("PATH")->capture_default_str();
  add_parsed(app, "--namespace", parse_namespaces, options.namespaces, "NAMESPACES",
             "Those of PID to join (default: all that it does not share with the daemon)");
  add_parsed(app, "--clone-flags", parse_namespaces, options.clone_flags, "NAMESPACES",
             "New ones to create after joining");
  add_parsed(app, "--uid", parse_id, options.uid, "N", "The user on whose behalf the request is made");
  add_parsed(app, "--gid", parse_id, options.gid, "N", "The group on whose behalf the request is made");
  add_parsed(app, "--timeout", parse_duration, options.timeout, "DURATION",
             "Deadline of each request, such as 500ms, 10s, 2m (default: the daemon's)");
  app.add_flag("--private-proc", options.private_proc,
               "Look up /proc in an unmasked procfs of the container's own");
  app.add_flag("--private-sys", options.private_sys,
               "Look up /sys in an unmasked sysfs of the container's own");
  app.add_flag("--json", options.json, "Print the response as one line of JSON");
  app.set_version_flag("--version", "nsenterctl " NSENTERD_VERSION);
}

CLI::App* add_command(CLI::App& app, Options& options, Command command, const char* name,
                      const char* description) {
  CLI::App* const added = app.add_subcommand(name, description);
  added->callback([&options, command] { options.command = command; });
  return added;
}

CLI::App* add_target_command(CLI::App& app, Options& options, Command command, const char* name,
                             const char* description) {
  CLI::App* const added = add_command(app, options, command, name, description);
  add_parsed(*added, "PID", parse_pid, options.pid, "", "The process whose namespaces are entered")
      ->required();
  return added;
}

void add_commands(CLI::App& app, Options& options) {
  struct FileCommand {
    Command command;
    const char* name;
    const char* description;
  };
  constexpr FileCommand kFileCommands[] = {
      {Command::read, "read", "Print a file as it is"},
      {Command::write, "write",
       "Write standard input to a file that exists, from its start; it is not truncated"},
      {Command::stat, "stat", "Show what lstat(2) says about a file"},
      {Command::ls, "ls", "List a directory"},
      {Command::readlink, "readlink", "Print where a symbolic link points to"},
  };
  for (const auto& [command, name, description] : kFileCommands) {
    CLI::App* const added = add_target_command(app, options, command, name, description);
    add_parsed(*added, "PATH", parse_path, options.path, "", "An absolute path as the container sees it")
        ->required();
  }
  add_target_command(app, options, Command::request, "request",
                     "Send a message and print the response as JSON")
      ->add_option("JSON", options.request, R"({"message": TYPE, "payload": ...}, or - for standard input)")
      ->type_name("")
      ->required();
  add_command(app, options, Command::info, "info", "Show what the daemon says about itself");
}

}  // namespace

Outcome<Options> parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Runs operations inside the namespaces of other processes, by asking nsenterd.", "nsenterctl");
  app.footer(kFooter);
  // Before the commands are added, because they inherit both.
  app.fallthrough();
  // Exactly one, so that a path called "stat" is a path.
  app.require_subcommand(1);
  add_options(app, options);
  add_commands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    app.exit(wish);
    return Stop{ExitStatus::ok, {}};
  } catch (const CLI::Error& error) {
    return Stop{ExitStatus::usage, std::string(error.what()) + " (see nsenterctl --help)"};
  }
  if (options.command == Command::request && (options.private_proc || options.private_sys)) {
    return Stop{ExitStatus::usage, "request takes MountProcfs and MountSysfs in its payload"};
  }
  return options;
}

}  // namespace nsenterd::cli
