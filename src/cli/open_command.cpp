#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "cli/arguments.hpp"
#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/error_text.hpp"
#include "cli/open_flags.hpp"
#include "cli/personality.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

Outcome<UniqueFd> open_file(Session& session, const Options& options, const OpenOptions& open) {
  const auto how = open_how(open);
  if (!how) return how.error();
  auto personality = take_personality(session, options);
  if (!personality) return personality.error();
  return ask(session, options,
             requests::Openat2{.path = options.path,
                               .flags = how->flags,
                               .mode = how->mode,
                               .resolve = open.resolve,
                               .verify_fuse = open.verify_fuse,
                               .personality = std::move(*personality)});
}

/// Becomes the command, with the file as its standard input; returns only why it cannot. All other descriptors
/// of this program are close-on-exec.
Stop execute(const UniqueFd& file, const std::vector<std::string>& command) {
  // The file is none of the standard descriptors, since those are occupied: so dup2(2) copies it, and the copy is
  // not close-on-exec.
  if (::dup2(file.get(), STDIN_FILENO) < 0) return failed_call("dup2", "standard input");
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  restore_broken_pipes();
  ::execvp(arguments[0], arguments.data());
  const int error = errno;
  return {error == ENOENT ? ExitStatus::not_found : ExitStatus::not_executable,
          command.front() + ": " + errno_description(error)};
}

Outcome<void> open(Session& session, const Options& options, const OpenOptions& open) {
  if (options.command.empty()) return Stop{ExitStatus::usage, "open: the command is missing"};
  const auto file = open_file(session, options, open);
  return file ? execute(*file, options.command) : file.error();
}

}  // namespace

void declare_open_command(Syntax& program) {
  const auto how = std::make_shared<OpenOptions>();
  program
      .command("open",
               "Open a file and run a command with it as standard input: open PID PATH COMMAND [ARG...]",
               with(how, open))
      .target()
      .path()
      .takes_command()
      .flag("--write", how->write, "Open it for writing (default: for reading)")
      .flag("--read-write", how->read_write, "Open it for both")
      .flag("--append", how->append, "Write to its end always")
      .flag("--create", how->create, "Create it if it does not exist")
      .flag("--exclusive", how->exclusive, "Fail if it exists")
      .flag("--truncate", how->truncate, "Empty it")
      .option("--mode", parse_mode, how->mode, "OCTAL",
              "The permissions of a file that is created (default: 644)")
      .option(
          "--resolve", parse_resolve, how->resolve, "LIST",
          "How its path may lead there (openat2(2)): beneath, in-root, no-magiclinks, no-symlinks, no-xdev, "
          "cached, with commas between")
      .flag("--verify-fuse", how->verify_fuse, "Refuse a file that is not on a FUSE filesystem")
      .personality();
}

}  // namespace nsenterd::cli
