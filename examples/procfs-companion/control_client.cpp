#include "control_client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "control_protocol.hpp"

namespace procfs_companion {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

nsenterd::UniqueFd connect(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    throw std::invalid_argument(path.native() + " is too long for a socket");
  }
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  nsenterd::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = control::kSeconds, .tv_usec = 0};
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("no companion at " + path.native());
  }
  return socket;
}

}  // namespace

nlohmann::json tell(const std::filesystem::path& control_socket, const nlohmann::json& command) {
  const nsenterd::UniqueFd socket = connect(control_socket);
  const std::string line = command.dump() + '\n';
  if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    fail("cannot tell the companion");
  }
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.find('\n') == std::string::npos) {
    const ssize_t got = ::read(socket.get(), buffer.data(), buffer.size());
    if (got < 0) fail("the companion does not answer");
    if (got == 0) throw std::runtime_error("the companion has ended before it answered");
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  nlohmann::json reply = nlohmann::json::parse(text);
  if (const auto error = reply.find("error"); error != reply.end()) {
    throw std::runtime_error(error->get<std::string>());
  }
  return reply;
}

}  // namespace procfs_companion
