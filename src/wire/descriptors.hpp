// Descriptors over unix sockets (SCM_RIGHTS, unix(7)). No heap, no exceptions. (Both sides.)
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include <sys/socket.h>
#include <sys/uio.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::wire {

/// The most that the kernel carries with one message (SCM_MAX_FD).
inline constexpr std::size_t kKernelMaxDescriptors = 253;

/// Descriptors that arrived with a message and that nobody has claimed yet; closes those left.
/// `Fd` owns one: UniqueFd, or base::ForeignFd where the sender is not trusted.
template <std::size_t Capacity, class Fd = UniqueFd>
class ReceivedDescriptors {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// Claims one by its place; empty if there is none there, or not any more.
  [[nodiscard]] Fd take(std::size_t index) noexcept {
    return index < count_ ? std::move(items_[index]) : Fd();
  }
  /// One by its place, still owned here; -1 if there is none there, or not any more.
  [[nodiscard]] int get(std::size_t index) const noexcept {
    return index < count_ ? items_[index].get() : -1;
  }
  void add(int fd) noexcept {
    if (count_ < Capacity) {
      items_[count_++].reset(fd);
    } else {
      Fd{fd}.reset();
    }
  }
  void clear() noexcept {
    while (count_ > 0) items_[--count_].reset();
  }

 private:
  std::array<Fd, Capacity> items_;
  std::size_t count_ = 0;
};

/// sendmsg(2) with descriptors attached to the first byte; restarts when interrupted.
ssize_t send_with_descriptors(int socket, std::span<iovec> parts, std::span<const int> descriptors,
                              int flags) noexcept;

/// What is left of `parts` after `bytes` of them have been sent; the first part is shortened in place.
std::span<iovec> skip_bytes(std::span<iovec> parts, std::size_t bytes) noexcept;

/// recvmsg(2) into `buffer`; descriptors arrive close-on-exec in `descriptors`. Restarts when interrupted.
/// -1 with EMSGSIZE, all descriptors closed, if the kernel cut them short (MSG_CTRUNC): which ones are
/// missing cannot be known. The same if the message itself did not fit (MSG_TRUNC, SOCK_SEQPACKET only).
template <std::size_t Capacity, class Fd>
ssize_t receive_with_descriptors(int socket, std::span<char> buffer,
                                 ReceivedDescriptors<Capacity, Fd>& descriptors, int flags) noexcept {
  static_assert(Capacity <= kKernelMaxDescriptors);
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * Capacity)> control;
  msghdr message{};
  ssize_t got = 0;
  do {
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    // Not the whole of `control`: its padding would have room for a descriptor more than there is Capacity for.
    message.msg_controllen = CMSG_LEN(sizeof(int) * Capacity);
    got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return got;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      descriptors.add(fd);
    }
  }
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
    descriptors.clear();
    errno = EMSGSIZE;
    return -1;
  }
  return got;
}

}  // namespace nsenterd::wire
