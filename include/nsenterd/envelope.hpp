// What a client says of an event besides its request, and what comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include <nsenterd/message.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/unique_fd.hpp>

namespace nsenterd {

/// A process, held by a pidfd (pidfd_open(2)), which stays the caller's.
struct TargetPidfd {
  int fd = -1;
};
/// The agent of an asynchronous event.
struct TargetEvent {
  std::string event;
};

/// Whose namespaces a request is made in, for whom, and how long it may take: the parameters of SendRequest (docs/protocol.md). Can
/// be used for any number of requests. Descriptors stay the caller's, who keeps them open until the call is done.
struct Envelope {
  /// The process whose namespaces are entered: its id, as this process's pid namespace numbers it, or one of the others; none where
  /// `namespace_descriptors` say it all.
  std::variant<std::monostate, pid_t, TargetPidfd, TargetEvent> target{};
  /// The target's namespaces to join.
  Namespaces namespaces{};
  /// Namespaces that the caller holds open, of kinds that are not in `namespaces`.
  NamespaceDescriptors namespace_descriptors{};
  /// Directories to be the agent's root and its working directory, opened with O_PATH; -1 for the root of the mount namespace.
  int root = -1;
  int working_directory = -1;
  /// Effective ids of the process on whose behalf the request is made, as this process's user namespace numbers them.
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
  /// CLONE_NEW* bits of the namespaces to create after joining (clone(2)).
  std::uint64_t clone_flags = 0;
  /// The deadline; the daemon's default if there is none. The daemon may know a shorter maximum.
  std::optional<std::chrono::milliseconds> timeout{};
  /// Requests that the same agent runs after the first, one after the other, until one fails.
  std::vector<Message> following_requests{};
};

/// What the agent has answered.
struct Response {
  Message message;
  /// Those to Envelope::following_requests; fewer where one is an errorResponse, which is the last.
  std::vector<Message> following;
  /// The file that openat2 has opened, which its message's "fd" refers to as 0. To close it may take as long as the filesystem of a
  /// container likes (close(2)).
  std::vector<UniqueFd> descriptors;
};

}  // namespace nsenterd
