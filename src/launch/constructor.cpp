// nsexec: where a process started as fork server leaves the ordinary way to main. Its children return from
// here, inside their namespaces, with the rest of the program still to be initialised.
#include <cstring>

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch/fork_server.hpp"
#include "launch/spawn_protocol.hpp"

namespace nsenterd::launch {
namespace {

constexpr int kRefused = 127;

Spawned g_spawned;

bool started_as_fork_server(int argc, char** argv) noexcept {
  if (argc < 1 || std::strcmp(argv[0], kForkServerName) != 0) return false;
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(kControlSocket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/// 101 is the first priority that is not the C library's own: before every static initialiser. glibc passes
/// main's arguments to constructors.
[[gnu::constructor(101)]] void nsexec(int argc, char** argv, char** /*envp*/) {
  if (!started_as_fork_server(argc, argv)) return;
  // A program with privileges that who started it has not (ld.so(8), "secure-execution mode") would lend them to whoever that is.
  if (::getauxval(AT_SECURE) != 0) ::_exit(kRefused);
  g_spawned.mounts = serve_forks();
  g_spawned.joined = true;
}

}  // namespace

const Spawned& spawned() noexcept {
  return g_spawned;
}

}  // namespace nsenterd::launch
