// System calls that glibc 2.36 has no wrapper for. Each returns what the kernel returns, -1 with errno on
// failure, and is safe on the fork side: no heap, no locks, no cancellation point.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace nsenterd::base {

/// clone3(2) as a fork: the child gets a copy of the address space. Bypasses glibc's fork handlers, so the
/// child of a process with threads may only use async-signal-safe functions. `pidfd` is -1 after a failure.
// NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes to it.
inline pid_t clone_process(std::uint64_t flags, int* pidfd, int exit_signal) noexcept {
  clone_args args{};
  args.flags = flags;
  args.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
  args.exit_signal = static_cast<std::uint64_t>(exit_signal);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  // The kernel may have written the number of one that it has closed again, as for a pid namespace that has ended (ENOMEM).
  if (pid < 0 && pidfd != nullptr) *pidfd = -1;
  return pid;
}

inline int pidfd_open(pid_t pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// pidfd_send_signal(2); signal 0 only asks whether the process is there. EBADF if `pidfd` is no pidfd.
inline int pidfd_send_signal(int pidfd, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

/// Asks nothing of the file, whatever it is.
inline bool is_pidfd(int fd) noexcept {
  return pidfd_send_signal(fd, 0) == 0 || errno != EBADF;
}

inline int openat2(int directory, const char* path, const open_how& how) noexcept {
  return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

inline int close_range(unsigned first, unsigned last, unsigned flags = 0) noexcept {
  return static_cast<int>(::syscall(SYS_close_range, first, last, flags));
}

/// capset(2): makes these the effective, permitted and inheritable capabilities, the lower 32 first. The kernel leaves
/// out those that it does not know.
inline int set_capabilities(const std::array<std::uint32_t, 2>& bits) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) sets[i] = {bits[i], bits[i], bits[i]};
  return static_cast<int>(::syscall(SYS_capset, &header, sets.data()));
}

}  // namespace nsenterd::base
