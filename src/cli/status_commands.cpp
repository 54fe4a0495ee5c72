#include <string>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/file_info.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

Outcome<void> stat(Session& session, const Options& options) {
  const requests::Lookup request{.path = options.path, .private_mounts = options.private_mounts};
  return ask_and_show(session, options, request, [&options](const requests::FileInfo& file) {
    return format_status(options.path, file.status);
  });
}

Outcome<void> ls(Session& session, const Options& options) {
  const requests::ReadDir request{.path = options.path, .private_mounts = options.private_mounts};
  return ask_and_show(session, options, request, format_listing);
}

Outcome<void> readlink(Session& session, const Options& options) {
  const requests::ReadLink request{.path = options.path, .private_mounts = options.private_mounts};
  // A script wants the target itself, a terminal must not get it.
  return ask_and_show(session, options, request, [](const std::string& target) {
    return (output_is_terminal() ? escape(target) : target) + '\n';
  });
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
