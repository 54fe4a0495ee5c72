// What a client may ask of a connection (daemon, and test servers).
#pragma once

#include <cstddef>

namespace nsenterd::varlink {

struct Limits {
  /// Bytes of one message, without its NUL.
  std::size_t message = 16U << 20U;
  /// Descriptors with one message.
  std::size_t descriptors = 16;
};

}  // namespace nsenterd::varlink
