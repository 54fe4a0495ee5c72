// The command line as a whole (nsenterctl).
#pragma once

#include "cli/options.hpp"

namespace nsenterd::cli {

/// Stops with usage, or with ok after --help or --version has been printed. What is wrong with the values of a
/// single command is found when it runs.
Outcome<Options> parse_command_line(int argc, const char* const* argv);

}  // namespace nsenterd::cli
