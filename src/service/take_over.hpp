// Descriptors that the event loop watches (daemon, or a program that embeds the library).
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include <nsenterd/unique_fd.hpp>

#include "base/result.hpp"

namespace nsenterd::service {

/// Makes a descriptor the event loop's. Fails, and closes it, where the kernel lets the loop watch no other: then Asio would throw.
inline base::Result<void> take_over(boost::asio::posix::stream_descriptor& watched, UniqueFd descriptor) {
  boost::system::error_code refused;
  watched.assign(descriptor.get(), refused);
  if (refused) return base::SystemError{"epoll_ctl", refused.value()};
  static_cast<void>(descriptor.release());
  return {};
}

}  // namespace nsenterd::service
