#include "varlink/listener.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>

namespace nsenterd::varlink {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) fail(ENAMETOOLONG, "socket path " + text);
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Whether the path is a socket that nobody listens on.
bool is_left_over(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
}

}  // namespace

Listener::Listener(std::filesystem::path path) : path_(std::move(path)) {
  const sockaddr_un address = address_of(path_);
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) fail(errno, "socket");
  if (is_left_over(address) && ::unlink(address.sun_path) != 0) fail(errno, "remove " + path_.native());
  // The mode of the socket's file comes from the umask; chmod(2) afterwards could meet another file.
  const mode_t old_umask = ::umask(0111);
  const int bound = ::bind(socket_.get(), generic(address), sizeof address);
  const int error = errno;
  ::umask(old_umask);
  if (bound != 0) fail(error, "bind " + path_.native());
  if (::lstat(address.sun_path, &own_) != 0) fail(errno, "stat " + path_.native());
  if (::listen(socket_.get(), SOMAXCONN) != 0) fail(errno, "listen on " + path_.native());
}

Listener::~Listener() {
  struct stat now {};
  if (::lstat(path_.c_str(), &now) != 0) return;
  if (now.st_dev == own_.st_dev && now.st_ino == own_.st_ino) ::unlink(path_.c_str());
}

}  // namespace nsenterd::varlink
