#include "support/container.hpp"

#include <algorithm>

namespace nsenterd::test {

std::vector<std::string> Container::entered(std::vector<std::string> arguments) const {
  std::vector<std::string> command{
      "env", "PATH=/bin:/usr/bin:/sbin:/usr/sbin", "LC_ALL=C", "nsenter", "-t", std::to_string(pid_), "-a",
      "--"};
  std::move(arguments.begin(), arguments.end(), std::back_inserter(command));
  return command;
}

CommandResult Container::exec(std::vector<std::string> arguments) const {
  return run(entered(std::move(arguments)));
}

std::string Container::output_of(std::vector<std::string> arguments) const {
  return test::output_of(entered(std::move(arguments)));
}

}  // namespace nsenterd::test
