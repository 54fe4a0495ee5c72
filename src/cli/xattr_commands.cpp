#include <memory>
#include <string>
#include <utility>

#include <sys/xattr.h>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/decode.hpp"
#include "cli/escape.hpp"
#include "cli/personality.hpp"
#include "cli/standard_streams.hpp"
#include "wire/base64.hpp"

namespace nsenterd::cli {
namespace {

/// As long as the kernel lets a value, or a list of names, be (XATTR_SIZE_MAX, XATTR_LIST_MAX).
constexpr std::size_t kBuffer = 65536;

struct Attribute {
  std::string name;
  std::optional<std::string> value;
  bool create = false;
  bool replace = false;
  bool no_follow = false;
};

/// The system call is "getxattr", say, or "lgetxattr", which does not follow a symbolic link.
wire::Json attribute_payload(const Options& options, const Attribute& attribute,
                             const std::string& system_call) {
  wire::Json payload = wire::Json::object();
  payload["syscall"] = attribute.no_follow ? 'l' + system_call : system_call;
  payload["path"] = options.path;
  return payload;
}

struct Buffer {
  std::string bytes;
  std::size_t filled = 0;
};

template <class Fields, wire::Describes<Buffer> Payload>
void describe(Fields& fields, Payload& buffer) {
  fields.bytes("val", buffer.bytes);
  fields.integer("size", buffer.filled);
}

/// The part of a buffer that the system call has filled.
std::optional<std::string> decode_buffer(const wire::Json& payload) {
  auto buffer = decode<Buffer>(payload);
  if (!buffer || buffer->filled > buffer->bytes.size()) return std::nullopt;
  buffer->bytes.resize(buffer->filled);
  return std::move(buffer->bytes);
}

Outcome<void> get(Session& session, const Options& options, const Attribute& attribute) {
  auto header = take_personality(session, options);
  if (!header) return header.error();
  wire::Json payload = attribute_payload(options, attribute, "getxattr");
  payload["Header"] = std::move(*header);
  payload["name"] = attribute.name;
  payload["size"] = kBuffer;
  return ask_and_show(session, options, {"getxattrSyscallRequest", std::move(payload)}, decode_buffer);
}

Outcome<void> set(Session& session, const Options& options, const Attribute& attribute) {
  if (attribute.create && attribute.replace) {
    return Stop{ExitStatus::usage, "xattr set: --create and --replace exclude each other"};
  }
  const Outcome<std::string> value = attribute.value ? *attribute.value : read_input();
  if (!value) return value.error();
  wire::Json payload = attribute_payload(options, attribute, "setxattr");
  payload["name"] = attribute.name;
  payload["val"] = wire::encode_base64(*value);
  payload["flags"] = attribute.create ? XATTR_CREATE : attribute.replace ? XATTR_REPLACE : 0;
  return carry_out(session, options, {"setxattrSyscallRequest", std::move(payload)});
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
  auto header = take_personality(session, options);
  if (!header) return header.error();
  wire::Json payload = attribute_payload(options, attribute, "listxattr");
  payload["Header"] = std::move(*header);
  payload["size"] = kBuffer;
  const auto show = [](const wire::Json& shown) -> std::optional<std::string> {
    const auto names = decode_buffer(shown);
    if (!names) return std::nullopt;
    return name_lines(*names);
  };
  return ask_and_show(session, options, {"ListxattrSyscallRequest", std::move(payload)}, show);
}

Outcome<void> remove(Session& session, const Options& options, const Attribute& attribute) {
  wire::Json payload = attribute_payload(options, attribute, "removexattr");
  payload["name"] = attribute.name;
  return carry_out(session, options, {"RemovexattrSyscallRequest", std::move(payload)});
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
