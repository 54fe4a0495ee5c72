#include "wire/descriptors.hpp"

namespace nsenterd::wire {

ssize_t send_with_descriptors(int socket, std::span<iovec> parts, std::span<const int> descriptors,
                              int flags) noexcept {
  if (descriptors.size() > kKernelMaxDescriptors) {
    errno = EINVAL;
    return -1;
  }
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kKernelMaxDescriptors)> control;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, flags);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

std::span<iovec> skip_bytes(std::span<iovec> parts, std::size_t bytes) noexcept {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) {
    parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + bytes;
    parts.front().iov_len -= bytes;
  }
  return parts;
}

}  // namespace nsenterd::wire
