#include "launch/fork_server.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.hpp"
#include "base/parent_bond.hpp"
#include "base/syscalls.hpp"
#include "launch/spawn_protocol.hpp"
#include "wire/descriptors.hpp"
#include "wire/frame.hpp"

namespace nsenterd::launch {
namespace {

using nsjoin::JoinPlan;
using nsjoin::Step;
using nsjoin::StepFailure;

enum class Role { fork_server, agent };

/// An agent inherits all of this.
int prepare() noexcept {
  ::prctl(PR_SET_NAME, "nsenter-agent");
  // Neither the terminal's Ctrl-C nor its job control is meant for us: the service ends us.
  ::setsid();
  // A write to a pipe that nobody reads is an error to report, not the end.
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0);
  // nsjoin relies on these two.
  if (!base::refuse_tracing() || ::setgroups(0, nullptr) != 0) return -1;
  base::keep_freed_memory();
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // Once it has been stopped it would not hear that its socket ends.
  if (!base::end_with_parent(kControlSocket)) return -1;
  // "pid" alone shows the namespace of this process; it changes pid_for_children back and forth.
  return ::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
}

/// Goes on as its own child, which the service is the parent of. The service sends a request only when it
/// holds the child's pidfd, so a child that it never heard of does nothing.
void go_on_as_child() noexcept {
  // Closed when this process has told of its child, or is gone. The child goes on only then: were it to tell of a child
  // of its own first, the service would take the wrong one of the two for the agent.
  int told[2];
  if (::pipe2(told, O_CLOEXEC) != 0) give_up({Step::fork_into_created, 0, errno});
  int pidfd = -1;
  const pid_t pid = base::clone_process(CLONE_PARENT | CLONE_PIDFD, &pidfd, 0);
  if (pid == 0) {
    ::close(told[1]);
    char nothing = 0;
    while (::read(told[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    ::close(told[0]);
    return;
  }
  if (pid < 0) give_up({Step::fork_into_created, 0, errno});
  wire::send_frame(nsjoin::kSocket, wire::FrameKind::forked, {}, {&pidfd, 1});
  ::_exit(0);
}

/// Makes a group of its own for all that will be forked: the service finds by it what it could not be told of. This process
/// itself is found by the fork server's, so it stays there until the service holds its pidfd.
void lead_group() noexcept {
  wire::FrameHeader proceed{};
  if (!wire::receive_exactly(nsjoin::kSocket, &proceed, sizeof proceed)) ::_exit(1);
  ::setpgid(0, 0);
}

/// The socket of an event, and what its plan asks for (nsjoin::Places).
using Descriptors = wire::ReceivedDescriptors<nsjoin::kMaxDescriptors>;

/// The forked child's way into its namespaces.
nsjoin::PrivateMounts become_agent(const JoinPlan& plan, Descriptors& descriptors) noexcept {
  nsjoin::PrivateMounts mounts;
  std::array<int, nsjoin::kMaxDescriptors> numbers{};
  // Their owner must not close them: these numbers will be others'.
  for (std::size_t i = 0; i < descriptors.size(); ++i) numbers[i] = descriptors.take(i).release();
  StepFailure failure =
      nsjoin::place_descriptors(plan, numbers[0], std::span(numbers).subspan(1, descriptors.size() - 1));
  if (failure.step != Step::none) ::_exit(1);
  if (nsjoin::later_forks(plan) > 0) lead_group();
  failure = nsjoin::join(plan, mounts);
  if (failure.step != Step::none) give_up(failure);
  if (nsjoin::joins_pid_late(plan)) go_on_as_child();
  if ((plan.create & nsjoin::kEnteredByChildren) != 0) {
    failure = nsjoin::create_for_children(plan);
    if (failure.step != Step::none) give_up(failure);
    go_on_as_child();
  }
  failure = nsjoin::settle(plan);
  if (failure.step != Step::none) give_up(failure);
  return mounts;
}

/// What leads to the pid namespace that a child is to be forked into: its place among the descriptors; 0 if there is none.
std::size_t way_to_pid_namespace(const JoinPlan& plan) noexcept {
  if (nsjoin::joins_pid_late(plan)) return 0;
  const auto places = nsjoin::places_of(plan);
  int place = -1;
  if ((plan.join & CLONE_NEWPID) != 0) place = places.target;
  if ((plan.join_opened & CLONE_NEWPID) != 0) place = places.namespaces[nsjoin::kPidEntry];
  // Ahead of them comes the socket.
  return place < 0 ? 0 : 1 + static_cast<std::size_t>(place) - static_cast<std::size_t>(nsjoin::kFirstOfPlan);
}

/// Forks for one request. In the child, returns Role::agent; the fork server's reply is filled in.
Role fork_for(const SpawnRequest& request, const Descriptors& descriptors, int own_pid_namespace,
              SpawnReply& reply, int& pidfd) noexcept {
  const std::size_t way = way_to_pid_namespace(request.plan);
  const bool enter_pid = way > 0;
  if (enter_pid && ::setns(descriptors.get(way), CLONE_NEWPID) != 0) {
    reply.failure = {Step::setns, CLONE_NEWPID, errno};
    return Role::fork_server;
  }
  const pid_t pid = base::clone_process(CLONE_PARENT | CLONE_PIDFD, &pidfd, 0);
  if (pid == 0) return Role::agent;
  if (pid < 0) reply.failure = {Step::fork, 0, errno};
  reply.pid = pid;
  // Forking on from here in somebody's pid namespace would be worse than ending: the service starts another.
  if (enter_pid && ::setns(own_pid_namespace, CLONE_NEWPID) != 0) ::_exit(1);
  return Role::fork_server;
}

void send_reply(SpawnReply& reply, int pidfd) noexcept {
  iovec part{&reply, sizeof reply};
  std::span<const int> descriptors;
  if (pidfd >= 0) descriptors = {&pidfd, 1};
  if (wire::send_with_descriptors(kControlSocket, {&part, 1}, descriptors, MSG_NOSIGNAL) < 0) ::_exit(1);
}

}  // namespace

void give_up(const StepFailure& failure) noexcept {
  wire::send_frame(nsjoin::kSocket, wire::FrameKind::join_failed,
                   {reinterpret_cast<const char*>(&failure), sizeof failure});
  ::_exit(1);
}

nsjoin::PrivateMounts serve_forks() noexcept {
  const int own_pid_namespace = prepare();
  SpawnReply ready;
  if (own_pid_namespace < 0) ready.failure = {Step::prepare_fork_server, 0, errno};
  send_reply(ready, -1);
  if (own_pid_namespace < 0) ::_exit(1);
  for (;;) {
    SpawnRequest request;
    Descriptors descriptors;
    const ssize_t got = wire::receive_with_descriptors(
        kControlSocket, {reinterpret_cast<char*>(&request), sizeof request}, descriptors, 0);
    if (got == 0) ::_exit(0);
    const int expected = 1 + nsjoin::places_of(request.plan).end - nsjoin::kFirstOfPlan;
    if (got != sizeof request || descriptors.size() != static_cast<std::size_t>(expected)) ::_exit(1);
    SpawnReply reply;
    reply.id = request.id;
    int child_pidfd = -1;
    if (fork_for(request, descriptors, own_pid_namespace, reply, child_pidfd) == Role::agent) {
      return become_agent(request.plan, descriptors);
    }
    const UniqueFd pidfd(child_pidfd);
    send_reply(reply, pidfd.get());
  }
}

}  // namespace nsenterd::launch
