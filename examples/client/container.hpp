// What the functions of this program have in common: a container to act in, and a client of the daemon.
#pragma once

#include <stdexcept>
#include <string>

#include <sys/types.h>

#include <nsenterd/blocking_client.hpp>

namespace client_messages {

/// Made by the requests that come first, and found by those that come after.
inline constexpr char kFile[] = "/tmp/client-messages";
inline constexpr char kMountPoint[] = "/mnt";
inline constexpr char kContent[] = "written from outside\n";
inline constexpr char kAttribute[] = "user.origin";

struct Container {
  /// Any process of the container, as the host numbers it.
  pid_t pid;
  std::string socket;
  /// What a request says besides what it asks for: here the process, and that all its namespaces are to be joined.
  nsenterd::Envelope envelope;
  nsenterd::BlockingClient client;
};

/// Throws std::runtime_error if that is not so.
inline void expect(bool fulfilled, const char* what) {
  if (!fulfilled) throw std::runtime_error(what);
}

}  // namespace client_messages
