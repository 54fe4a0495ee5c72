#include "wire/credentials.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire/frame.hpp"

namespace nsenterd::wire {
namespace {

// The one byte of the body says which of the two ids count: the kernel knows no empty ones.
constexpr char kUid = 1;
constexpr char kGid = 2;

}  // namespace

bool send_credentials(int socket, const Credentials& credentials) noexcept {
  const ucred sent{::getpid(), credentials.uid.value_or(::geteuid()), credentials.gid.value_or(::getegid())};
  FrameHeader header{FrameKind::credentials, 1, 0};
  char which = static_cast<char>((credentials.uid ? kUid : 0) | (credentials.gid ? kGid : 0));
  std::array<iovec, 2> parts{{{&header, sizeof header}, {&which, sizeof which}}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof sent)> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
  ancillary->cmsg_level = SOL_SOCKET;
  ancillary->cmsg_type = SCM_CREDENTIALS;
  ancillary->cmsg_len = CMSG_LEN(sizeof sent);
  std::memcpy(CMSG_DATA(ancillary), &sent, sizeof sent);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(sizeof header + sizeof which);
}

std::optional<Credentials> receive_credentials(int socket) noexcept {
  // The kernel keeps them with the bytes until these are read, and gives them to whoever wants them by then.
  const int wanted = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &wanted, sizeof wanted) != 0) return std::nullopt;
  char which = 0;
  iovec part{&which, sizeof which};
  ucred received{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof received)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
  const bool there = got == sizeof which && ancillary != nullptr && ancillary->cmsg_level == SOL_SOCKET &&
                     ancillary->cmsg_type == SCM_CREDENTIALS &&
                     ancillary->cmsg_len == CMSG_LEN(sizeof received);
  if (!there) {
    if (got >= 0) errno = EPROTO;
    return std::nullopt;
  }
  std::memcpy(&received, CMSG_DATA(ancillary), sizeof received);
  Credentials credentials;
  if ((which & kUid) != 0) credentials.uid = received.uid;
  if ((which & kGid) != 0) credentials.gid = received.gid;
  return credentials;
}

}  // namespace nsenterd::wire
