#include "support/command.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[noreturn]] void execute(char* const* arguments, int output, int errors) {
  ::setpgid(0, 0);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

/// Reads until both pipes are closed; false if that takes too long.
bool read_all(std::array<UniqueFd, 2> pipes, std::array<std::string*, 2> texts, Clock::time_point deadline) {
  std::array<char, 65536> buffer{};
  while (pipes[0] || pipes[1]) {
    std::array<pollfd, 2> waiting{{{pipes[0].get(), POLLIN, 0}, {pipes[1].get(), POLLIN, 0}}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || ::poll(waiting.data(), waiting.size(), static_cast<int>(left)) == 0) return false;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const ssize_t got = ::read(pipes[i].get(), buffer.data(), buffer.size());
      if (got > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(got));
      } else {
        pipes[i].reset();
      }
    }
  }
  return true;
}

int exit_status_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

CommandResult run(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) execute(pointers.data(), output.write_end.get(), errors.write_end.get());
  output.write_end.reset();
  errors.write_end.reset();
  CommandResult result;
  const bool in_time = read_all({std::move(output.read_end), std::move(errors.read_end)},
                                {&result.output, &result.errors}, Clock::now() + limit);
  if (!in_time) ::kill(-pid, SIGKILL);
  const int status = exit_status_of(pid);
  if (in_time) result.status = status;
  return result;
}

std::string output_of(const std::vector<std::string>& arguments) {
  CommandResult result = run(arguments);
  if (result.status == 0) return std::move(result.output);
  std::string command;
  for (const std::string& argument : arguments) command += argument + ' ';
  throw std::runtime_error(command + "ended with " + std::to_string(result.status) + ": " + result.errors);
}

}  // namespace nsenterd::test
