// nsenterctl: asks nsenterd from the command line.
#include "cli/command_line.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace {

using namespace nsenterd::cli;

int end(const Outcome<void>& outcome, ColorMode color) {
  if (outcome) return static_cast<int>(ExitStatus::ok);
  report(outcome.error(), color);
  return static_cast<int>(outcome.error().status);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  ignore_broken_pipes();
  const auto options = parse_command_line(argc, argv);
  // What --color says is part of what is wrong then.
  if (!options) return end(options.error(), ColorMode::automatic);
  Session session(*options);
  return end(options->run(session, *options), options->color);
}
