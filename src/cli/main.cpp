// nsenterctl: asks nsenterd from the command line.
#include <csignal>

#include "cli/commands.hpp"
#include "cli/standard_streams.hpp"

int main(int argc, char** argv) {
  using namespace nsenterd::cli;
  occupy_standard_streams();
  // A reader of our output that goes away is an error of write(2).
  std::signal(SIGPIPE, SIG_IGN);
  const auto options = parse_command_line(argc, argv);
  const Outcome<void> outcome = options ? run(*options) : Outcome<void>(options.error());
  if (outcome) return static_cast<int>(ExitStatus::ok);
  report(outcome.error());
  return static_cast<int>(outcome.error().status);
}
