#include "handshake.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "tracee.hpp"

namespace seccomp_agent {
namespace {

constexpr std::chrono::seconds kTime(5);
constexpr std::size_t kMostText = 1U << 20U;
/// Of one message, and of one connection.
constexpr std::size_t kMostDescriptors = 16;

bool is_root(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

void take_descriptors(msghdr& message, std::vector<nsenterd::UniqueFd>& descriptors) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

Handshake::Handshake(Socket socket, OnProcess on_process)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), on_process_(std::move(on_process)) {}

void Handshake::start() {
  if (!is_root(socket_.native_handle())) return fail("the peer is not root");
  timer_.expires_after(kTime);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->fail("the state of a process has not come in time");
  });
  wait();
}

void Handshake::stop() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  descriptors_.clear();
}

void Handshake::wait() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    // Closed, by the timer or by stop().
    if (error || !self->socket_.is_open()) return;
    try {
      self->read();
    } catch (const std::exception& failure) {
      self->fail(failure.what());
    }
  });
}

void Handshake::read() {
  std::array<char, 65536> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> control;
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return wait();
  if (got < 0) throw std::system_error(errno, std::generic_category(), "recvmsg");
  take_descriptors(message, descriptors_);
  if ((message.msg_flags & MSG_CTRUNC) != 0 || descriptors_.size() > kMostDescriptors) {
    throw std::length_error("too many descriptors");
  }
  text_.append(buffer.data(), static_cast<std::size_t>(got));
  if (text_.size() > kMostText) throw std::length_error("the state of a process is too long");
  // Not only at the end of the connection: runc leaves it open for as long as it runs, and what it waits for may need an answer.
  if (got == 0 || is_whole_state(text_)) return finish();
  wait();
}

void Handshake::finish() {
  StateMessage state = parse_state(text_);
  if (state.descriptors != descriptors_.size()) {
    throw std::invalid_argument("there are not as many descriptors as it says");
  }
  auto seccomp_fd = std::move(descriptors_[state.seccomp_fd]);
  stop();
  state.process.user_namespace = containers_user_namespace(state.process.pid);
  on_process_(state.process, std::move(seccomp_fd));
}

void Handshake::fail(const std::string& problem) {
  spdlog::warn("refused a connection: {}", problem);
  stop();
}

}  // namespace seccomp_agent
