// What keeps an agent out of others' reach, and bound to its parent. Every change of credentials undoes both (prctl(2)),
// so whoever makes one does this afterwards. No heap, no exceptions. (The forked child, and the agent.)
#pragma once

#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/prctl.h>

namespace nsenterd::base {

/// Neither ptrace(2) nor a core dump from now on. False with errno.
inline bool refuse_tracing() noexcept {
  return ::prctl(PR_SET_DUMPABLE, 0) == 0;
}

/// SIGKILL when the parent ends. `socket` is one whose other end the parent has: if it is closed already, the parent
/// may have ended before it could be waited for: false with ECONNRESET.
inline bool end_with_parent(int socket) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  pollfd other_end{socket, POLLRDHUP, 0};
  if (::poll(&other_end, 1, 0) == 0) return true;
  errno = ECONNRESET;
  return false;
}

}  // namespace nsenterd::base
