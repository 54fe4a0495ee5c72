#include "cli/command_line.hpp"

#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"

namespace nsenterd::cli {
namespace {

constexpr char kFooter[] =
    "\nThe options above may come before the command or after it; `nsenterctl COMMAND --help` tells which\n"
    "of them it takes, and its own, which come after it. What follows PATH of `open` is a command with\n"
    "options of its own; those of `open` come before that.\n"
    "NAMESPACES: names with commas between: user, mnt, pid, net, ipc, uts, cgroup, time; or none.\n"
    "\n"
    "Control characters in names and errors are shown escaped (\\n, \\x1b, \\\\). `read` and `xattr get`\n"
    "print bytes as they are; `readlink` and `mounts` escape only if standard output is a terminal. With\n"
    "--json, `read` and `write` print one line for each request that they make (1 MiB). Errors are text\n"
    "on standard error, whether there is --json or not.\n"
    "\n"
    "Exit status: 0 success; 1 the operation failed, or standard input or output did; 2 wrong usage;\n"
    "3 the daemon refused, could not be reached, or did not answer. Once `open` has the file, that of its\n"
    "command; 126 or 127 if that cannot be executed or is not there.\n";

Stop wrong_usage(const std::string& what) {
  return {ExitStatus::usage, what + " (see nsenterctl --help)"};
}

const CLI::App& parsed_command(const CLI::App& app) {
  const auto inner = app.get_subcommands();
  return inner.empty() ? app : parsed_command(*inner.front());
}

/// The options before the command are those of all commands: this one may not take them, or have them a second
/// time.
Outcome<void> check_options_before(const CLI::App& app) {
  const CLI::App& command = parsed_command(app);
  for (const CLI::Option* given :
       app.get_options([](const CLI::Option* option) { return option->count() > 0; })) {
    const CLI::Option* own = command.get_option_no_throw(given->get_name());
    if (own == nullptr) return wrong_usage(given->get_name() + " means nothing to " + command.get_name());
    if (own->count() > 0) return wrong_usage(given->get_name() + " is given twice");
  }
  return {};
}

/// What no argument takes is the command to run, if there is one to run.
Outcome<void> take_rest(const CLI::App& app, Options& options) {
  std::vector<std::string> rest = app.remaining(true);
  rest.erase(rest.begin(),
             std::find_if(rest.begin(), rest.end(), [](const auto& word) { return word != "--"; }));
  // An option that comes first has been meant for this program.
  const bool surplus =
      options.takes_command ? !rest.empty() && rest.front().starts_with('-') : app.remaining_size(true) > 0;
  if (surplus) return wrong_usage("not expected: " + (rest.empty() ? "--" : rest.front()));
  options.command = std::move(rest);
  return {};
}

/// What there is on the command line, written to `options` when it is parsed.
void declare(CLI::App& app, Options& options) {
  // Exactly one, so that a path called "stat" is a path.
  app.require_subcommand(1);
  // Everything behind the first word that nothing takes stays as it is; take_rest() looks at it. Before the
  // commands are added, because they inherit both.
  app.prefix_command();
  Syntax syntax(app, options);
  syntax.connection().namespaces().personality().private_views().json();
  app.set_version_flag("--version", "nsenterctl " NSENTERD_VERSION);
  declare_commands(syntax);
  app.footer(kFooter);
}

constexpr char kDescription[] =
    "Runs operations inside the namespaces of other processes, by asking nsenterd.";

wire::Json describe(const CLI::App& app) {
  wire::Json described{{"name", app.get_name()},
                       {"description", app.get_description()},
                       {"options", wire::Json::array()},
                       {"arguments", wire::Json::array()},
                       {"commands", wire::Json::array()}};
  for (const CLI::Option* option : app.get_options()) {
    wire::Json element{{"description", option->get_description()}};
    if (option->get_positional()) {
      element["name"] = option->get_name();
      element["many"] = option->get_expected_max() > 1;
      described["arguments"].push_back(std::move(element));
      continue;
    }
    element["names"] = wire::Json::array();
    for (const std::string& name : option->get_snames()) element["names"].push_back("-" + name);
    for (const std::string& name : option->get_lnames()) element["names"].push_back("--" + name);
    element["value"] = option->get_items_expected_max() > 0 ? option->get_type_name() : "";
    described["options"].push_back(std::move(element));
  }
  for (const CLI::App* command : app.get_subcommands(nullptr))
    described["commands"].push_back(describe(*command));
  return described;
}

}  // namespace

wire::Json describe_command_line() {
  Options options;
  CLI::App app(kDescription, "nsenterctl");
  declare(app, options);
  return describe(app);
}

Outcome<Options> parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app(kDescription, "nsenterctl");
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    app.exit(wish);
    return Stop{ExitStatus::ok, {}};
  } catch (const CLI::Error& error) {
    return wrong_usage(error.what());
  }
  if (auto checked = check_options_before(app); !checked) return checked.error();
  if (auto taken = take_rest(app, options); !taken) return taken.error();
  return options;
}

}  // namespace nsenterd::cli
