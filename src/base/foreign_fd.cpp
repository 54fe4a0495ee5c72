#include "base/foreign_fd.hpp"

#include <atomic>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <pthread.h>
#include <unistd.h>

namespace nsenterd::base {
namespace {

/// How many descriptors may be on their way.
constexpr int kMostWaiting = 256;

std::atomic<int> g_waiting = 0;

void* run(void* fd) noexcept {
  ::close(static_cast<int>(reinterpret_cast<std::intptr_t>(fd)));
  --g_waiting;
  return nullptr;
}

}  // namespace

void close_aside(int fd) noexcept {
  if (++g_waiting > kMostWaiting) {
    --g_waiting;
    return;
  }
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN) * 4);
  // Signals are for the threads that know of them.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_attr_setsigmask_np(&attributes, &all);
  pthread_t thread;
  void* const argument = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
  if (::pthread_create(&thread, &attributes, run, argument) != 0) --g_waiting;
  ::pthread_attr_destroy(&attributes);
}

}  // namespace nsenterd::base
