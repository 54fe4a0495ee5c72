// Starts a fork server and talks to it (daemon, or a program that embeds the library). Neither blocks on
// anything that a container controls.
#pragma once

#include <span>

#include <nsenterd/unique_fd.hpp>

#include "base/child_process.hpp"
#include "base/result.hpp"
#include "launch/program.hpp"
#include "launch/spawn_protocol.hpp"

namespace nsenterd::launch {

/// Fails with ENOSYS and the name of the first system call that is needed and that this kernel lacks
/// (Linux 5.15 has all of them).
base::Result<void> check_kernel();

struct ForkServer {
  base::ChildProcess process;
  /// Non-blocking. When it is closed, the fork server ends; agents live on.
  UniqueFd control;
};

/// Executes the program as a fork server; its first reply says whether that worked. The caller's thread is
/// what every agent's parent-death signal is tied to: if it ends, they do.
base::Result<ForkServer> start_fork_server(const Program& program);

/// Sends one request, and the descriptors that go with it. EAGAIN if the fork server does not keep up.
base::Result<void> send_spawn_request(int control, const SpawnRequest& request,
                                      std::span<const int> descriptors);

struct ReceivedReply {
  SpawnReply reply;
  /// Empty if there is no child, or if this process has no descriptor left for it (EMFILE).
  UniqueFd pidfd;
};

/// The next reply; EAGAIN if there is none yet, ECONNRESET if the fork server is gone.
base::Result<ReceivedReply> receive_spawn_reply(int control);

}  // namespace nsenterd::launch
