#include "daemon/stream_sink.hpp"

#include <cerrno>
#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace nsenterd::daemon {
namespace {

/// Whether standard error, which others may have made non-blocking, has room again.
bool wait_for_room() {
  pollfd writable{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&writable, 1, -1) == 1;
}

}  // namespace

void StreamSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t buffer;
  formatter_->format(message, buffer);
  std::string_view rest(buffer.data(), buffer.size());
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for_room())) {
      // Whoever read it has gone: there is nobody to tell.
      return;
    }
  }
}

}  // namespace nsenterd::daemon
