#include "cli/syntax.hpp"

#include <utility>

#include <CLI/CLI.hpp>

#include "cli/arguments.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {
namespace {

/// The heading in the help text of what several commands take: a command's own options stand apart.
constexpr const char* kShared = "Options of several commands";

}  // namespace

std::optional<std::string> parse_text(std::string_view text) {
  if (!wire::is_utf8(text)) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_bytes(std::string_view bytes) {
  return std::string(bytes);
}

Syntax Syntax::command(const char* name, const char* description, Run run) {
  CLI::App* const added = app_->add_subcommand(name, description);
  added->callback([options = options_, run = std::move(run)] { options->run = run; });
  Syntax syntax(*added, *options_);
  syntax.connection();
  return syntax;
}

Syntax Syntax::group(const char* name, const char* description) {
  CLI::App* const added = app_->add_subcommand(name, description);
  added->require_subcommand(1);
  return {*added, *options_};
}

Syntax& Syntax::arguments(const char* name, std::vector<std::string>& target, const char* description) {
  const auto assign = [&target](const CLI::results_t& typed) {
    for (const std::string& text : typed) {
      if (!parse_text(text)) return false;
      target.push_back(text);
    }
    return true;
  };
  app_->add_option(name, assign, description)->type_name("")->required()->expected(1, -1)->allow_extra_args();
  return *this;
}

Syntax& Syntax::flag(const char* name, bool& target, const char* description) {
  app_->add_flag(name, target, description);
  return *this;
}

Syntax& Syntax::target() {
  argument("PID", parse_pid, options_->pid, "The process whose namespaces are entered");
  return namespaces();
}

Syntax& Syntax::path(const char* name) {
  return argument(name, parse_text, options_->path, "An absolute path as the container sees it");
}

Syntax& Syntax::private_views() {
  share_flag("--private-proc", options_->private_mounts.procfs,
             "Look up /proc in an unmasked procfs of the container's own");
  share_flag("--private-sys", options_->private_mounts.sysfs,
             "Look up /sys in an unmasked sysfs of the container's own");
  return *this;
}

Syntax& Syntax::credentials() {
  share_option("--uid", assignment(parse_id, options_->uid), "N",
               "The user on whose behalf the request is made");
  return share_option("--gid", assignment(parse_id, options_->gid), "N",
                      "The group on whose behalf the request is made");
}

Syntax& Syntax::personality() {
  share_option("--as", assignment(parse_pid, options_->caller), "PROCESS",
               "Act with the root, working directory, user, group and capabilities of this process");
  return credentials();
}

Syntax& Syntax::json() {
  share_flag("--json", options_->json, "Print the response as one line of JSON");
  return *this;
}

Syntax& Syntax::takes_command() {
  app_->preparse_callback([options = options_](std::size_t) { options->takes_command = true; });
  return *this;
}

Syntax& Syntax::connection() {
  app_->add_option("--socket", options_->socket, "The daemon's socket")
      ->type_name("PATH")
      ->capture_default_str()
      ->group(kShared);
  share_option("--color", assignment(parse_color, options_->color), "WHEN",
               "Use colours: auto (on a terminal, unless NO_COLOR is set), always or never");
  return share_option("--timeout", assignment(parse_duration, options_->timeout), "DURATION",
                      "Deadline of each request, such as 500ms, 10s, 2m (default: the daemon's)");
}

Syntax& Syntax::namespaces() {
  share_option("--namespace", assignment(parse_namespaces, options_->namespaces), "NAMESPACES",
               "Those of PID to join (default: all that it does not share with the daemon)");
  share_option("--clone-flags", assignment(parse_namespaces, options_->clone_flags), "NAMESPACES",
               "New ones to create after joining");
  share_option("--root", assignment(parse_bytes, options_->root), "DIR",
               "Make this the root, such as /proc/PID/root of a process that has changed its own");
  return share_option("--working-directory", assignment(parse_bytes, options_->working_directory), "DIR",
                      "Look up relative paths from here (default: from the root)");
}

void Syntax::add_argument(const char* name, Assign assign, const char* description, bool required) {
  add_value(name, std::move(assign), description)->type_name("")->required(required);
}

void Syntax::add_option(const char* name, Assign assign, const char* type, const char* description) {
  add_value(name, std::move(assign), description)->type_name(type);
}

void Syntax::share_flag(const char* name, bool& target, const char* description) {
  app_->add_flag(name, target, description)->group(kShared);
}

Syntax& Syntax::share_option(const char* name, Assign assign, const char* type, const char* description) {
  add_value(name, std::move(assign), description)->type_name(type)->group(kShared);
  return *this;
}

CLI::Option* Syntax::add_value(const char* name, Assign assign, const char* description) {
  const auto first = [assign = std::move(assign)](const CLI::results_t& typed) {
    return assign(typed.front());
  };
  return app_->add_option(name, first, description);
}

}  // namespace nsenterd::cli
