#include "agent/input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "nsjoin/join.hpp"
#include "wire/frame.hpp"

namespace nsenterd::agent {

bool Input::fill() noexcept {
  ssize_t got = 0;
  do {
    got = ::recv(nsjoin::kSocket, ahead_.data(), ahead_.size(), 0);
  } while (got < 0 && errno == EINTR);
  begin_ = 0;
  end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0;
}

bool Input::read(void* out, std::size_t size) noexcept {
  const std::size_t there = std::min(size, end_ - begin_);
  std::memcpy(out, ahead_.data() + begin_, there);
  begin_ += there;
  return there == size ||
         wire::receive_exactly(nsjoin::kSocket, static_cast<char*>(out) + there, size - there);
}

}  // namespace nsenterd::agent
