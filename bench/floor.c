// The floor of an event, cold or warm: its system calls with nothing around them. No JSON, no event loop, no C++.
//
//   bench-floor cold|warm PID FILE
//
// reads a count (8 bytes, as in memory) from standard input, does that many events one after the other,
// writes a struct floor_times for each to standard output, and starts over until standard input ends.
//
// Three processes, as in nsenterd: this one stands for the daemon; it executes itself as fork server, so that
// what is forked is small whatever the caller is; and every event's agent is forked from there. README.md
// compares the calls with those of the library one by one.
#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// glibc 2.36 has it in <linux/sched.h> only, which older kernel headers lack.
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

enum { kSocket = 0, kControl = 3, kTarget = 3, kMaxFds = 2 };

static const char kForkServer[] = "bench-floor-fork-server";
static const int kJoinedByChild = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                  CLONE_NEWCGROUP | CLONE_NEWTIME;

// About as large as the request and the reply of nsenterd's fork server.
struct spawn_message {
  uint64_t id;
  int32_t pid;
  int32_t is_warm;
  char rest[8];
};

struct received {
  ssize_t size;
  int fds[kMaxFds];
};

static void fail(const char* step) {
  perror(step);
  _exit(1);
}

static ssize_t send_fds(int socket, const void* data, size_t size, const int* fds, int count) {
  char control[CMSG_SPACE(sizeof(int) * kMaxFds)] __attribute__((aligned(8)));
  struct iovec part = {(void*)data, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  const size_t bytes = sizeof(int) * (size_t)count;
  if (count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(header), fds, bytes);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

static struct received receive_fds(int socket, void* data, size_t size) {
  char control[CMSG_SPACE(sizeof(int) * kMaxFds)] __attribute__((aligned(8)));
  struct iovec part = {data, size};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct received received = {recvmsg(socket, &message, MSG_CMSG_CLOEXEC), {-1, -1}};
  if (received.size < 0) return received;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != NULL) memcpy(received.fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
  return received;
}

// The agent.

static void place_descriptors(int socket, int target) {
  const int kept = fcntl(target, F_DUPFD_CLOEXEC, kTarget + 1);
  for (int place = 0; place < 3; ++place) {
    if (socket != place && dup3(socket, place, O_CLOEXEC) < 0) _exit(10);
  }
  if (kept < 0 || dup3(kept, kTarget, O_CLOEXEC) < 0) _exit(11);
  if (syscall(SYS_close_range, kTarget + 1, ~0U, 0) != 0) _exit(12);
}

static void join(void) {
  if (setns(kTarget, kJoinedByChild) != 0) _exit(20);
  close(kTarget);
  if (prctl(PR_SET_DUMPABLE, 0) != 0) _exit(21);
  if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) _exit(22);
  if (chdir("/") != 0) _exit(23);
  if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(24);
  struct pollfd socket = {kSocket, POLLRDHUP, 0};
  if (poll(&socket, 1, 0) != 0) _exit(25);
}

static void answer(void) {
  char request[256];
  const ssize_t got = recv(kSocket, request, sizeof request, 0);
  if (got == 0) _exit(0);
  if (got < 0 || request[got - 1] != '\0') _exit(30);
  const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY};
  const int file = (int)syscall(SYS_openat2, AT_FDCWD, request, &how, sizeof how);
  if (file < 0) _exit(31);
  char content[1024];
  const ssize_t size = pread(file, content, sizeof content, 0);
  if (size <= 0) _exit(32);
  close(file);
  if (send_fds(kSocket, content, (size_t)size, NULL, 0) != size) _exit(33);
}

// The fork server.

static int prepare_fork_server(void) {
  prctl(PR_SET_DUMPABLE, 0);
  setsid();
  signal(SIGPIPE, SIG_IGN);
  umask(0);
  setgroups(0, NULL);
  return open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
}

static void serve_forks(void) {
  const int own_pid_namespace = prepare_fork_server();
  if (own_pid_namespace < 0) fail("open /proc/self/ns/pid");
  for (;;) {
    struct spawn_message message;
    const struct received request = receive_fds(kControl, &message, sizeof message);
    if (request.size == 0) _exit(0);
    if (request.size != sizeof message || request.fds[1] < 0) fail("fork server: recvmsg");
    if (setns(request.fds[1], CLONE_NEWPID) != 0) fail("fork server: setns");
    int pidfd = -1;
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd};
    const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
      place_descriptors(request.fds[0], request.fds[1]);
      join();
      do {
        answer();
      } while (message.is_warm);
      _exit(0);
    }
    if (pid < 0) fail("fork server: clone3");
    if (setns(own_pid_namespace, CLONE_NEWPID) != 0) fail("fork server: setns back");
    message.pid = pid;
    if (send_fds(kControl, &message, sizeof message, &pidfd, 1) < 0) fail("fork server: sendmsg");
    close(pidfd);
    close(request.fds[0]);
    close(request.fds[1]);
  }
}

// The side that asks.

static int start_fork_server(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    // Standard input and output are the benchmark's pipes, whose end must be seen.
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int control = fcntl(ends[1], F_DUPFD_CLOEXEC, kControl + 1);
    if (null < 0 || control < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(control, kControl) < 0)
      fail("dup2");
    execl("/proc/self/exe", kForkServer, NULL);
    fail("execl");
  }
  close(ends[1]);
  return ends[0];
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

struct agent {
  int socket;
  int pidfd;
};

static struct agent start_agent(int control, pid_t target_pid, int is_warm) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)target_pid);
  const int target = (int)syscall(SYS_pidfd_open, target_pid, 0);
  struct stat status;
  if (target < 0 || stat(path, &status) != 0) fail("target");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");

  struct spawn_message message = {.is_warm = is_warm};
  const int sent[] = {ends[1], target};
  if (send_fds(control, &message, sizeof message, sent, 2) < 0) fail("sendmsg");
  close(ends[1]);
  close(target);
  const struct received reply = receive_fds(control, &message, sizeof message);
  if (reply.size != sizeof message || reply.fds[0] < 0) fail("recvmsg");
  return (struct agent){ends[0], reply.fds[0]};
}

static ssize_t ask(struct agent agent, const char* file) {
  char content[1024];
  if (send(agent.socket, file, strlen(file) + 1, MSG_NOSIGNAL) < 0) fail("send");
  return recv(agent.socket, content, sizeof content, 0);
}

static struct floor_times do_warm_event(struct agent agent, const char* file) {
  const uint64_t begin = now();
  if (ask(agent, file) <= 0) fail("recv");
  const uint64_t answered = now() - begin;
  return (struct floor_times){answered, answered};
}

static struct floor_times do_cold_event(int control, pid_t target, const char* file) {
  struct floor_times times;
  const uint64_t begin = now();
  const struct agent agent = start_agent(control, target, 0);
  const ssize_t size = ask(agent, file);
  times.answered = now() - begin;
  close(agent.socket);
  siginfo_t info;
  // The status first: it says which step failed.
  if (waitid(P_PIDFD, (id_t)agent.pidfd, &info, WEXITED | __WALL) != 0) fail("waitid");
  if (info.si_code != CLD_EXITED || info.si_status != 0 || size <= 0) {
    fprintf(stderr, "bench-floor: agent ended with status %d, %zd bytes\n", info.si_status, size);
    _exit(1);
  }
  close(agent.pidfd);
  times.reaped = now() - begin;
  return times;
}

int main(int argc, char** argv) {
  if (strcmp(argv[0], kForkServer) == 0) serve_forks();
  const int is_warm = argc == 4 && strcmp(argv[1], "warm") == 0;
  if (argc != 4 || (!is_warm && strcmp(argv[1], "cold") != 0)) {
    fputs("usage: bench-floor cold|warm PID FILE\n", stderr);
    return 2;
  }
  const pid_t target = (pid_t)strtol(argv[2], NULL, 10);
  const int control = start_fork_server();
  const struct agent kept = is_warm ? start_agent(control, target, 1) : (struct agent){-1, -1};
  uint64_t count = 0;
  while (read(STDIN_FILENO, &count, sizeof count) == sizeof count) {
    // Written only afterwards: a write in between would wake the benchmark.
    struct floor_times* times = calloc(count, sizeof *times);
    if (times == NULL) fail("calloc");
    for (uint64_t i = 0; i < count; ++i) {
      times[i] = is_warm ? do_warm_event(kept, argv[3]) : do_cold_event(control, target, argv[3]);
    }
    const char* const end = (const char*)(times + count);
    for (const char* at = (const char*)times; at < end;) {
      const ssize_t written = write(STDOUT_FILENO, at, (size_t)(end - at));
      if (written <= 0) fail("write");
      at += written;
    }
    free(times);
  }
  // The fork server ends with its control socket, the agent with its own.
  close(control);
  close(kept.socket);
  return wait(NULL) < 0;
}
