// Runs other programs and looks at what they say.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace nsenterd::test {

struct CommandResult {
  /// The exit status; 128 and the signal's number if one ended it; -1 if the time limit did.
  int status = -1;
  std::string output;
  std::string errors;
};

/// Runs a program, found in PATH, in a process group of its own, with /dev/null as standard input, until it
/// has ended and closed its output. Throws std::system_error if it cannot be started.
CommandResult run(const std::vector<std::string>& arguments,
                  std::chrono::milliseconds limit = std::chrono::seconds(10));

/// The standard output of a program that succeeds; throws std::runtime_error, with what it said, if it does
/// not.
std::string output_of(const std::vector<std::string>& arguments);

}  // namespace nsenterd::test
