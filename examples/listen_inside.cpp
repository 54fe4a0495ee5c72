// Opens a listening socket in a container's network namespace, and serves it from outside: a function of this program runs inside
// and sends the socket back. As root:
//   listen-inside PID PORT
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nsenterd/module.hpp>

namespace {

constexpr char kListen[] = "listen";

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

/// The module: runs in the container. What it throws, the caller is told.
nsenterd::ModuleData listen_on(nsenterd::ModuleData port) {
  nsenterd::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port.bytes)));
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("bind");
  if (::listen(socket.get(), 16) != 0) fail("listen");
  nsenterd::ModuleData result;
  result.descriptors.push_back(std::move(socket));
  return result;
}

/// Answers the first who connects.
int greet_one(int socket) {
  std::cout << "waiting for somebody in the container to connect" << std::endl;
  const nsenterd::UniqueFd guest(::accept(socket, nullptr, nullptr));
  constexpr std::string_view kGreeting = "hello from outside\n";
  return guest && ::write(guest.get(), kGreeting.data(), kGreeting.size()) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int listen_inside(pid_t pid, const char* port) {
  const auto socket = nsenterd::run(
      {.target = pid, .namespaces = {nsenterd::Namespace::net}, .module = kListen, .argument = port});
  if (!socket) {
    std::cerr << to_string(socket.error()) << '\n';
    return EXIT_FAILURE;
  }
  return greet_one(socket->descriptors.at(0).get());
}

}  // namespace

int main(int argc, char** argv) {
  nsenterd::register_module(kListen, listen_on);
  nsenterd::init();

  pid_t pid = 0;
  const std::string_view number(argc == 3 ? argv[1] : "");
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), pid);
  if (argc != 3 || error != std::errc() || end != number.data() + number.size()) {
    std::cerr << "usage: listen-inside PID PORT\n";
    return 2;
  }
  return listen_inside(pid, argv[2]);
}
