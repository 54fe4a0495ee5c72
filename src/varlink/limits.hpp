// What clients may ask of a server (daemon, and test servers).
#pragma once

#include <chrono>
#include <cstddef>

#include "wire/json.hpp"

namespace nsenterd::varlink {

struct Limits {
  /// Bytes of one message, without its NUL.
  std::size_t message = 16U << 20U;
  /// Arrays and objects within one another.
  std::size_t depth = wire::kMaxDepth;
  /// Descriptors with one message.
  std::size_t descriptors = 16;
  /// Connections of all users, and of one.
  std::size_t connections = 1024;
  std::size_t connections_of_user = 256;
  /// For a message to arrive whole, once its first byte has. One that was sent ahead has this time from when
  /// the call before it has been answered.
  std::chrono::milliseconds message_time = std::chrono::seconds(10);
  /// How long a client may read nothing while replies are pending for it.
  std::chrono::milliseconds reply_time = std::chrono::seconds(10);
  /// Bytes of replies pending for one connection. A single reply may be half of it (wire::kMaxFrame).
  std::size_t output = 128U << 20U;

  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace nsenterd::varlink
