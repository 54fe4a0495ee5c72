#include "cli/standard_streams.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include "cli/error_text.hpp"
#include "cli/escape.hpp"
#include "cli/read_all.hpp"

namespace nsenterd::cli {
namespace {

/// False with errno.
bool write_all(int file, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// What SIGPIPE did when the program was started.
void (*inherited_sigpipe)(int) = SIG_DFL;

}  // namespace

void ignore_broken_pipes() noexcept {
  inherited_sigpipe = std::signal(SIGPIPE, SIG_IGN);
}

void restore_broken_pipes() noexcept {
  std::signal(SIGPIPE, inherited_sigpipe);
}

void occupy_standard_streams() noexcept {
  // Descriptors are given out from the lowest on.
  int opened = 0;
  do {
    opened = ::open("/", O_PATH | O_CLOEXEC);
  } while (opened >= 0 && opened <= STDERR_FILENO);
  if (opened >= 0) ::close(opened);
}

Outcome<std::string> read_input() {
  return read_all(STDIN_FILENO, "standard input");
}

Outcome<void> write_output(std::string_view bytes) {
  if (write_all(STDOUT_FILENO, bytes)) return {};
  if (errno == EPIPE) return Stop{ExitStatus::ok, {}};
  return failed_call("write", "standard output");
}

Outcome<void> write_json(const wire::Json& value) {
  return write_output(value.dump(-1, ' ', output_is_terminal()) + '\n');
}

bool output_is_terminal() noexcept {
  return ::isatty(STDOUT_FILENO) == 1;
}

void report(const Stop& stop, ColorMode color) {
  if (stop.reason.empty()) return;
  const Painter painter(color, STDERR_FILENO);
  // Nobody is left to tell if this fails.
  write_all(STDERR_FILENO, painter.failure("nsenterctl:") + ' ' + escape(stop.reason) + '\n');
}

}  // namespace nsenterd::cli
