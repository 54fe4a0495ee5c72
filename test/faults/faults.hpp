// What can be done to whom, and the requests that it is done to (see kinds.hpp).
#pragma once

#include <csignal>

#include <sys/resource.h>

#include "faults/kinds.hpp"

namespace nsenterd::test {

/// The process that was caught gets a signal.
inline Fault signal_it(int signal) {
  return [signal](Scene&, const Exchange&, pid_t caught) {
    ::kill(caught, signal);
    return 0;
  };
}

/// The call fails.
inline Fault fail_with(int error) {
  return [error](Scene&, const Exchange&, pid_t) { return error; };
}

/// The process that was caught may have no more than this from now on.
inline Fault limit_it(int resource, rlim_t most) {
  return [resource, most](Scene&, const Exchange&, pid_t caught) {
    const rlimit limit{most, most};
    ::prlimit(caught, static_cast<__rlimit_resource>(resource), &limit, nullptr);
    return 0;
  };
}

inline Fault signal_target(int signal) {
  return [signal](Scene& scene, const Exchange&, pid_t) {
    scene.target().signal(signal);
    return 0;
  };
}

/// Only when the target is gone goes the process that was caught on.
inline Fault end_target() {
  return [](Scene& scene, const Exchange&, pid_t) {
    scene.target().signal(SIGKILL);
    scene.target().is_gone_within(std::chrono::seconds(1));
    return 0;
  };
}

inline Fault signal_fork_server(int signal) {
  return [signal](Scene& scene, const Exchange&, pid_t) {
    if (const pid_t server = scene.fork_server()) ::kill(server, signal);
    return 0;
  };
}

inline Fault disconnect() {
  return [](Scene&, const Exchange& exchange, pid_t) {
    exchange.disconnect();
    return 0;
  };
}

inline Json read_small(pid_t target) {
  return parameters_for(target, read_request("/proc/sys/kernel/hostname"));
}

/// In a procfs of its own.
inline Json read_private(pid_t target) {
  return parameters_for(target, read_request("/proc/sys/kernel/hostname", true));
}

/// Several times what a socket holds.
inline Json read_large(pid_t target) {
  Json request = read_request(program_under_test("NSENTERD"));
  request["payload"]["len"] = 512 << 10;
  return parameters_for(target, request);
}

/// Its agent is the child of the process that joins.
inline Json read_in_new_pid_namespace(pid_t target) {
  return parameters_for(target, read_request("/proc/sys/kernel/hostname"),
                        {{"cloneFlags", 0x20000000 /* CLONE_NEWPID */}});
}

inline Json sleep_long(pid_t target) {
  return parameters_for(target, sleep_request(60));
}

}  // namespace nsenterd::test
