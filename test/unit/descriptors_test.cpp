// wire/descriptors, wire/frame, base/child_process and nsenterd/unique_fd: over real sockets, with real children.
#include "wire/descriptors.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/child_process.hpp"
#include "base/syscalls.hpp"
#include "support/catch.hpp"
#include "support/processes.hpp"
#include "wire/frame.hpp"

namespace {

using nsenterd::UniqueFd;
using nsenterd::base::ChildProcess;
using nsenterd::test::open_descriptors;
namespace base = nsenterd::base;
namespace wire = nsenterd::wire;

struct SocketPair {
  UniqueFd left;
  UniqueFd right;
};

SocketPair make_sockets(int type) {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd open_null() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

/// Sends "hello" with `count` descriptors of /dev/null.
void send_hello(int socket, std::size_t count) {
  const UniqueFd null = open_null();
  const std::vector<int> descriptors(count, null.get());
  std::string hello = "hello";
  iovec part{hello.data(), hello.size()};
  REQUIRE(wire::send_with_descriptors(socket, {&part, 1}, descriptors, MSG_NOSIGNAL) == 5);
}

ChildProcess fork_child(int (*body)()) {
  int pidfd = -1;
  const pid_t pid = base::clone_process(CLONE_PIDFD, &pidfd, SIGCHLD);
  REQUIRE(pid >= 0);
  if (pid == 0) ::_exit(body());
  return {pid, UniqueFd(pidfd)};
}

int sleep_long() {
  for (;;) ::pause();
}

bool has_ended(int pidfd, int milliseconds) {
  pollfd ended{pidfd, POLLIN, 0};
  return ::poll(&ended, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("A UniqueFd closes its descriptor once, and a moved-from one nothing") {
  const std::size_t before = open_descriptors();
  int number = -1;
  {
    UniqueFd first = open_null();
    REQUIRE(first);
    number = first.get();
    UniqueFd second = std::move(first);
    CHECK(second.get() == number);
    UniqueFd third = open_null();
    const int replaced = third.get();
    third = std::move(second);
    CHECK_FALSE(is_open(replaced));
    CHECK(is_open(number));
    const int released = third.release();
    CHECK_FALSE(third);
    CHECK(is_open(released));
    third.reset(released);
  }
  CHECK_FALSE(is_open(number));
  CHECK(open_descriptors() == before);
}

TEST_CASE("Descriptors arrive with the first byte, close-on-exec, and are closed unless claimed") {
  const std::size_t before = open_descriptors();
  {
    const SocketPair sockets = make_sockets(SOCK_STREAM);
    send_hello(sockets.left.get(), 3);
    std::array<char, 64> buffer{};
    UniqueFd claimed;
    {
      wire::ReceivedDescriptors<4> descriptors;
      REQUIRE(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) == 5);
      CHECK(std::string(buffer.data(), 5) == "hello");
      CHECK(descriptors.size() == 3);
      claimed = descriptors.take(1);
      CHECK(claimed);
      CHECK_FALSE(descriptors.take(1));
      CHECK_FALSE(descriptors.take(3));
      CHECK(open_descriptors() == before + 5);
    }
    CHECK(open_descriptors() == before + 3);
    CHECK((::fcntl(claimed.get(), F_GETFD) & FD_CLOEXEC) != 0);
    struct stat received {};
    struct stat expected {};
    REQUIRE(::fstat(claimed.get(), &received) == 0);
    REQUIRE(::stat("/dev/null", &expected) == 0);
    CHECK(received.st_rdev == expected.st_rdev);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("Descriptors that do not fit end in EMSGSIZE with all of them closed") {
  const std::size_t before = open_descriptors();
  {
    const SocketPair sockets = make_sockets(SOCK_STREAM);
    std::array<char, 64> buffer{};
    SECTION("room for an even number") {
      wire::ReceivedDescriptors<2> descriptors;
      send_hello(sockets.left.get(), 3);
      CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) == -1);
      CHECK(errno == EMSGSIZE);
      CHECK(descriptors.size() == 0);
    }
    SECTION("room for an odd number: alignment leaves space for one more in the control buffer") {
      wire::ReceivedDescriptors<1> descriptors;
      send_hello(sockets.left.get(), 2);
      CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) == -1);
      CHECK(errno == EMSGSIZE);
      CHECK(descriptors.size() == 0);
    }
    SECTION("the most that the kernel carries") {
      wire::ReceivedDescriptors<16> descriptors;
      send_hello(sockets.left.get(), wire::kKernelMaxDescriptors);
      CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) == -1);
      CHECK(errno == EMSGSIZE);
    }
    CHECK(open_descriptors() == before + 2);
    // The socket is still of use.
    send_hello(sockets.left.get(), 0);
    wire::ReceivedDescriptors<2> none;
    CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, none, 0) == 5);
    CHECK(none.size() == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("Exactly as many descriptors as there is room for arrive") {
  const SocketPair sockets = make_sockets(SOCK_STREAM);
  std::array<char, 64> buffer{};
  wire::ReceivedDescriptors<1> one;
  send_hello(sockets.left.get(), 1);
  CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, one, 0) == 5);
  CHECK(one.size() == 1);
  wire::ReceivedDescriptors<16> many;
  send_hello(sockets.left.get(), 16);
  CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, many, 0) == 5);
  CHECK(many.size() == 16);
}

TEST_CASE("A packet that does not fit ends in EMSGSIZE with its descriptors closed") {
  const std::size_t before = open_descriptors();
  {
    const SocketPair sockets = make_sockets(SOCK_SEQPACKET);
    send_hello(sockets.left.get(), 1);
    std::array<char, 4> buffer{};
    wire::ReceivedDescriptors<2> descriptors;
    CHECK(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) == -1);
    CHECK(errno == EMSGSIZE);
    CHECK(open_descriptors() == before + 2);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("More descriptors than the kernel carries are refused before they are sent") {
  const SocketPair sockets = make_sockets(SOCK_STREAM);
  const std::vector<int> descriptors(wire::kKernelMaxDescriptors + 1, sockets.left.get());
  std::string hello = "hello";
  iovec part{hello.data(), hello.size()};
  CHECK(wire::send_with_descriptors(sockets.left.get(), {&part, 1}, descriptors, 0) == -1);
  CHECK(errno == EINVAL);
}

TEST_CASE("What is left of a partly sent message is exact to the byte") {
  std::string a = "abc";
  std::string b;
  std::string c = "defg";
  for (std::size_t sent = 0; sent <= 7; ++sent) {
    std::array<iovec, 3> parts{{{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}}};
    std::string left;
    for (const iovec& part : wire::skip_bytes(parts, sent)) {
      left.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    CHECK(left == std::string("abcdefg").substr(sent));
  }
}

TEST_CASE("A frame arrives whole, with its descriptor") {
  const SocketPair sockets = make_sockets(SOCK_STREAM);
  const UniqueFd null = open_null();
  const int sent = null.get();
  REQUIRE(wire::send_frame(sockets.left.get(), wire::FrameKind::forked, "body", {&sent, 1}));
  std::array<char, 64> buffer{};
  wire::ReceivedDescriptors<1> descriptors;
  REQUIRE(wire::receive_with_descriptors(sockets.right.get(), buffer, descriptors, 0) ==
          sizeof(wire::FrameHeader) + 4);
  wire::FrameHeader header{};
  std::memcpy(&header, buffer.data(), sizeof header);
  CHECK(header.kind == wire::FrameKind::forked);
  CHECK(header.length == 4);
  CHECK(std::string(buffer.data() + sizeof header, 4) == "body");
  CHECK(descriptors.size() == 1);
}

TEST_CASE("A frame larger than the socket's buffer is sent and received in parts") {
  const SocketPair sockets = make_sockets(SOCK_STREAM);
  const std::string body(3 << 20, 'x');
  bool sent = false;
  std::thread sender([&] { sent = wire::send_frame(sockets.left.get(), wire::FrameKind::response, body); });
  wire::FrameHeader header{};
  const bool got_header = wire::receive_exactly(sockets.right.get(), &header, sizeof header);
  std::string received(body.size(), '\0');
  const bool got_body = wire::receive_exactly(sockets.right.get(), received.data(), received.size());
  sender.join();
  CHECK(sent);
  CHECK(got_header);
  CHECK(header.length == body.size());
  CHECK(got_body);
  CHECK(received == body);
}

TEST_CASE("Receiving ends at end-of-file with errno 0, also in the middle of a frame") {
  for (const char* text : {"", "abc"}) {
    SocketPair sockets = make_sockets(SOCK_STREAM);
    REQUIRE(::write(sockets.left.get(), text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text)));
    sockets.left.reset();
    std::array<char, 8> buffer{};
    errno = EIO;
    CHECK_FALSE(wire::receive_exactly(sockets.right.get(), buffer.data(), buffer.size()));
    CHECK(errno == 0);
  }
}

TEST_CASE("Sending a frame to a peer that is gone fails without SIGPIPE") {
  SocketPair sockets = make_sockets(SOCK_STREAM);
  sockets.right.reset();
  CHECK_FALSE(wire::send_frame(sockets.left.get(), wire::FrameKind::response, "body"));
  CHECK(errno == EPIPE);
}

TEST_CASE("A ChildProcess tells how the child ended") {
  ChildProcess exited = fork_child([] { return 7; });
  REQUIRE(has_ended(exited.pidfd(), 5000));
  const auto status = exited.try_wait();
  REQUIRE(status);
  CHECK(status->status == 7);
  CHECK_FALSE(status->signal);

  ChildProcess killed = fork_child(sleep_long);
  CHECK_FALSE(killed.try_wait());
  killed.kill();
  REQUIRE(has_ended(killed.pidfd(), 5000));
  const auto signal = killed.try_wait();
  REQUIRE(signal);
  CHECK(signal->signal == SIGKILL);
  CHECK_FALSE(signal->status);
}

TEST_CASE("A ChildProcess's end leaves no child, running or dead, and no descriptor") {
  const std::size_t before = open_descriptors();
  pid_t pid = 0;
  {
    ChildProcess running = fork_child(sleep_long);
    pid = running.pid();
    ChildProcess moved = std::move(running);
    CHECK(moved.pid() == pid);
    ChildProcess other = fork_child(sleep_long);
    const pid_t replaced = other.pid();
    other = std::move(moved);
    CHECK_FALSE(nsenterd::test::process_exists(replaced));
    CHECK(nsenterd::test::process_exists(pid));
  }
  CHECK_FALSE(nsenterd::test::process_exists(pid));
  CHECK(open_descriptors() == before);
}

TEST_CASE("A ChildProcess that somebody else has waited for is known to be gone") {
  ChildProcess child = fork_child([] { return 0; });
  int status = 0;
  REQUIRE(::waitpid(child.pid(), &status, 0) == child.pid());
  const auto ended = child.try_wait();
  REQUIRE(ended);
  CHECK_FALSE(ended->status);
  CHECK_FALSE(ended->signal);
}
