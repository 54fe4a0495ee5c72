// Prints the syntax of nsenterctl's command line as JSON: what its completions are made of (build).
#include <cstdio>

#include "cli/command_line.hpp"

int main() {
  return std::puts(nsenterd::cli::describe_command_line().dump().c_str()) < 0 ? 1 : 0;
}
