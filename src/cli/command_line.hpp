// The command line as a whole (nsenterctl).
#pragma once

#include "cli/options.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

/// Stops with usage, or with ok after --help or --version has been printed. What is wrong with the values of a
/// single command is found when it runs.
Outcome<Options> parse_command_line(int argc, const char* const* argv);

/// What there is to complete: {"name", "description", "options": [{"names", "value", "description"}], "arguments": [{"name", "many",
/// "description"}], "commands": [...]}, where a command is described as the whole is. The value of a flag is "".
wire::Json describe_command_line();

}  // namespace nsenterd::cli
