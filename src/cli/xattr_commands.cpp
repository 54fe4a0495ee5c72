#include <memory>
#include <string>
#include <utility>

#include <sys/xattr.h>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/personality.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

struct Attribute {
  std::string name;
  std::optional<std::string> value;
  bool create = false;
  bool replace = false;
  bool no_follow = false;
};

Outcome<void> get(Session& session, const Options& options, const Attribute& attribute) {
  auto personality = take_personality(session, options);
  if (!personality) return personality.error();
  const requests::GetXattr request{.path = options.path,
                                   .name = attribute.name,
                                   .no_follow = attribute.no_follow,
                                   .personality = std::move(*personality)};
  return ask_and_show(session, options, request,
                      [](const requests::XattrValue& found) { return found.value; });
}

Outcome<void> set(Session& session, const Options& options, const Attribute& attribute) {
  if (attribute.create && attribute.replace) {
    return Stop{ExitStatus::usage, "xattr set: --create and --replace exclude each other"};
  }
  Outcome<std::string> value = attribute.value ? *attribute.value : read_input();
  if (!value) return value.error();
  return carry_out(session, options,
                   requests::SetXattr{.path = options.path,
                                      .name = attribute.name,
                                      .value = std::move(*value),
                                      .flags = attribute.create    ? XATTR_CREATE
                                               : attribute.replace ? XATTR_REPLACE
                                                                   : 0,
                                      .no_follow = attribute.no_follow});
}

/// The names, each of which a NUL ends, as lines.
std::string name_lines(std::string_view names) {
  std::string lines;
  while (!names.empty()) {
    const std::size_t length = std::min(names.find('\0'), names.size());
    lines += escape(names.substr(0, length)) + '\n';
    names.remove_prefix(std::min(length + 1, names.size()));
  }
  return lines;
}

Outcome<void> list(Session& session, const Options& options, const Attribute& attribute) {
  auto personality = take_personality(session, options);
  if (!personality) return personality.error();
  const requests::ListXattr request{
      .path = options.path, .no_follow = attribute.no_follow, .personality = std::move(*personality)};
  return ask_and_show(session, options, request,
                      [](const requests::XattrValue& names) { return name_lines(names.value); });
}

Outcome<void> remove(Session& session, const Options& options, const Attribute& attribute) {
  return carry_out(
      session, options,
      requests::RemoveXattr{.path = options.path, .name = attribute.name, .no_follow = attribute.no_follow});
}

}  // namespace

void declare_xattr_commands(Syntax& program) {
  Syntax group = program.group("xattr", "Read and change extended attributes: get, set, list, remove");
  const auto attribute = std::make_shared<Attribute>();
  const auto declare = [&](const char* name, const char* description, auto run, bool names_one = true) {
    Syntax command = group.command(name, description, with(attribute, run));
    command.target().path();
    if (names_one) command.argument("NAME", parse_text, attribute->name, "Such as user.mime_type");
    command.json().flag("--no-follow", attribute->no_follow,
                        "Mean a symbolic link itself, not what it points to");
    return command;
  };
  declare("get", "Print a value as it is", get).personality();
  declare("set", "Set a value", set)
      .optional_argument("VALUE", parse_bytes, attribute->value, "The value (default: all of standard input)")
      .flag("--create", attribute->create, "Fail if there is such an attribute already")
      .flag("--replace", attribute->replace, "Fail unless there is such an attribute already");
  declare("list", "Print the names, one a line", list, false).personality();
  declare("remove", "Remove an attribute", remove);
}

}  // namespace nsenterd::cli
