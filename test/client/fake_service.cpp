#include "fake_service.hpp"

#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace nsenterd::test {

FakeService::FakeService(std::vector<Serve> serve) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket().copy(address.sun_path, sizeof address.sun_path - 1);
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 16) != 0) {
    throw std::system_error(errno, std::generic_category(), "listen");
  }
  server_ = std::thread([this, serve = std::move(serve)] {
    for (const Serve& each : serve) {
      const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) return;
      each(connection.get());
    }
    // Who comes now is refused, and not left waiting.
    ::shutdown(listener_.get(), SHUT_RDWR);
  });
}

FakeService::~FakeService() {
  // Whoever is not asked any more is not to wait for it.
  ::shutdown(listener_.get(), SHUT_RDWR);
  server_.join();
}

std::string FakeService::read_call(int connection) {
  std::string text;
  for (;;) {
    char next = 0;
    if (::recv(connection, &next, 1, 0) <= 0) return {};
    if (next == '\0') return text;
    text += next;
  }
}

void FakeService::write(int connection, std::string_view text) {
  (void)::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace nsenterd::test
