#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/decode.hpp"
#include "cli/escape.hpp"
#include "cli/file_info.hpp"
#include "cli/file_request.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

Outcome<void> stat(Session& session, const Options& options) {
  const auto show = [&options](const wire::Json& payload) -> std::optional<std::string> {
    const auto file = decode<FileInfo>(payload);
    if (!file) return std::nullopt;
    return format_status(options.path, file->sys);
  };
  return ask_and_show(session, options, {"lookupRequest", file_payload(options, "entry")}, show);
}

Outcome<void> ls(Session& session, const Options& options) {
  const auto show = [](const wire::Json& payload) -> std::optional<std::string> {
    const auto files = decode<std::vector<FileInfo>>(payload);
    if (!files) return std::nullopt;
    return format_listing(*files);
  };
  return ask_and_show(session, options, {"readDirRequest", file_payload(options, "dir")}, show);
}

Outcome<void> readlink(Session& session, const Options& options) {
  const auto show = [](const wire::Json& payload) -> std::optional<std::string> {
    const auto* target = payload.get_ptr<const std::string*>();
    if (target == nullptr) return std::nullopt;
    // A script wants the target itself, a terminal must not get it.
    return (output_is_terminal() ? escape(*target) : *target) + '\n';
  };
  return ask_and_show(session, options, {"readLinkRequest", file_payload(options, "link")}, show);
}

}  // namespace

void declare_status_commands(Syntax& program) {
  program.command("stat", "Show what lstat(2) says about a file", stat)
      .target()
      .path()
      .private_views()
      .json();
  program.command("ls", "List a directory", ls).target().path().private_views().json();
  program.command("readlink", "Print where a symbolic link points to", readlink)
      .target()
      .path()
      .private_views()
      .json();
}

}  // namespace nsenterd::cli
