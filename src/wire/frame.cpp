#include "wire/frame.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

#include "wire/descriptors.hpp"

namespace nsenterd::wire {

bool send_frame(int socket, FrameKind kind, std::string_view body, std::span<const int> descriptors,
                std::uint64_t nanoseconds) noexcept {
  FrameHeader header{kind, static_cast<std::uint32_t>(body.size()), nanoseconds};
  std::array<iovec, 2> parts{{{&header, sizeof header}, {const_cast<char*>(body.data()), body.size()}}};
  for (std::span<iovec> left = parts; !left.empty();) {
    const ssize_t sent = send_with_descriptors(socket, left, descriptors, MSG_NOSIGNAL);
    if (sent < 0) return false;
    descriptors = {};
    left = skip_bytes(left, static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_exactly(int socket, void* buffer, std::size_t size) noexcept {
  auto* at = static_cast<char*>(buffer);
  while (size > 0) {
    const ssize_t got = ::recv(socket, at, size, MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      if (got == 0) errno = 0;
      return false;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace nsenterd::wire
