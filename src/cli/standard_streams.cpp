#include "cli/standard_streams.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "cli/error_text.hpp"
#include "cli/escape.hpp"

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

}  // namespace

void occupy_standard_streams() noexcept {
  // Descriptors are given out from the lowest on.
  int opened = 0;
  do {
    opened = ::open("/", O_PATH | O_CLOEXEC);
  } while (opened >= 0 && opened <= STDERR_FILENO);
  if (opened >= 0) ::close(opened);
}

Outcome<std::string> read_input() {
  constexpr std::size_t kFirstChunk = 4096;
  std::string content;
  std::size_t filled = 0;
  for (;;) {
    if (filled == content.size()) content.resize(std::max(kFirstChunk, filled * 2));
    const ssize_t got = ::read(STDIN_FILENO, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Stop{ExitStatus::failed, "read standard input: " + errno_description(errno)};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

Outcome<void> write_output(std::string_view bytes) {
  if (write_all(STDOUT_FILENO, bytes)) return {};
  if (errno == EPIPE) return Stop{ExitStatus::ok, {}};
  return Stop{ExitStatus::failed, "write standard output: " + errno_description(errno)};
}

Outcome<void> write_json(const wire::Json& value) {
  return write_output(value.dump(-1, ' ', output_is_terminal()) + '\n');
}

bool output_is_terminal() noexcept {
  return ::isatty(STDOUT_FILENO) == 1;
}

void report(const Stop& stop) {
  // Nobody is left to tell if this fails.
  if (!stop.reason.empty()) write_all(STDERR_FILENO, "nsenterctl: " + escape(stop.reason) + '\n');
}

}  // namespace nsenterd::cli
