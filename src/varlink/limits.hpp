// What clients may ask of a server (daemon, and test servers).
#pragma once

#include <cstddef>

namespace nsenterd::varlink {

struct Limits {
  /// Bytes of one message, without its NUL.
  std::size_t message = 16U << 20U;
  /// Descriptors with one message.
  std::size_t descriptors = 16;
  /// Connections of all users, and of one.
  std::size_t connections = 1024;
  std::size_t connections_of_user = 256;
};

}  // namespace nsenterd::varlink
