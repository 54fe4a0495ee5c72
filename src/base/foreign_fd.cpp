#include "base/foreign_fd.hpp"

#include <atomic>
#include <csignal>
#include <exception>
#include <thread>

#include <unistd.h>

namespace nsenterd::base {
namespace {

/// How many descriptors may be on their way.
constexpr int kMostWaiting = 256;

std::atomic<int> g_waiting = 0;

}  // namespace

void close_aside(int fd) noexcept {
  if (++g_waiting > kMostWaiting) {
    --g_waiting;
    return;
  }
  // Signals are for the threads that know of them; a new one has its creator's mask.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([fd] {
      ::close(fd);
      --g_waiting;
    }).detach();
  } catch (const std::exception&) {
    --g_waiting;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace nsenterd::base
