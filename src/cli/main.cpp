// nsenterctl: asks nsenterd from the command line.
#include "cli/command_line.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace {

using namespace nsenterd::cli;

Outcome<void> run(int argc, const char* const* argv) {
  const auto options = parse_command_line(argc, argv);
  if (!options) return options.error();
  Session session(*options);
  return options->run(session, *options);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  ignore_broken_pipes();
  const Outcome<void> outcome = run(argc, argv);
  if (outcome) return static_cast<int>(ExitStatus::ok);
  report(outcome.error());
  return static_cast<int>(outcome.error().status);
}
