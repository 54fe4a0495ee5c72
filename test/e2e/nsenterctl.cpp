#include "nsenterctl.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {

Sleeper::Sleeper(const ContainerFixture& fixture, const std::vector<std::string>& nsenter_options,
                 const std::vector<std::string>& program) {
  std::vector<std::string> command{"nsenter", "-t", fixture.pid, "-m"};
  if (fixture.first_id != 0) command.emplace_back("-U");
  command.insert(command.end(), nsenter_options.begin(), nsenter_options.end());
  command.emplace_back("--");
  command.insert(command.end(), program.begin(), program.end());
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  // No pid namespace is entered, so all of them are the same process.
  if (wait_until([&] { return process_name(pid_) == "sleep"; })) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  throw std::runtime_error("the program did not start in the container");
}

Sleeper::~Sleeper() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace nsenterd::test
