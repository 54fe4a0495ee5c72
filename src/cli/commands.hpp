// The commands: each asks the daemon and prints what it answers (nsenterctl).
#pragma once

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "cli/session.hpp"

namespace nsenterd::cli {

/// Connects and runs the command that the options name.
Outcome<void> run(const Options& options);

/// file_commands.cpp: the contents of a file.
Outcome<void> read(Session& session, const Options& options);
Outcome<void> write(Session& session, const Options& options);

/// status_commands.cpp: what the container says about files.
Outcome<void> stat(Session& session, const Options& options);
Outcome<void> ls(Session& session, const Options& options);
Outcome<void> readlink(Session& session, const Options& options);

/// The user's own message, from the command line or standard input: any JSON object. The daemon checks the
/// rest.
Outcome<wire::Json> read_request(const Options& options);

}  // namespace nsenterd::cli
