#include "agent/request_list.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "agent/answer.hpp"
#include "base/parent_bond.hpp"
#include "base/syscalls.hpp"
#include "nsjoin/join.hpp"
#include "wire/frame.hpp"
#include "wire/message_list.hpp"

namespace nsenterd::agent {
namespace {

/// What matters of an answer once the service has it.
struct Answered {
  std::uint32_t size = 0;
  bool failed = false;
  bool may_serve_again = false;
};

/// Nothing if the service has closed its end.
std::optional<Answered> send(const Reply& reply) {
  if (!send_reply(reply)) return std::nullopt;
  return Answered{static_cast<std::uint32_t>(reply.text.size()), reply.failed, reply.may_serve_again};
}

/// In the child: answers, and tells the agent so.
[[noreturn]] void answer_for_agent(std::string_view request, const wire::Credentials& credentials,
                                   std::size_t room, int told) {
  // The bond is not inherited (fork(2)).
  if (!base::end_with_parent(nsjoin::kSocket)) ::_exit(1);
  const auto answered = send(answer(request, credentials, room));
  const bool is_told = answered && ::write(told, &*answered, sizeof *answered) == sizeof *answered;
  ::_exit(is_told ? 0 : 1);
}

/// Has the request answered by a child, and waits for that. The child is the service's, like its parent, so that no process of the
/// container ever has to reap it: the service finds it, once the agent has ended, by the group that the agent leads.
std::optional<Answered> answer_by_child(std::string_view request, const wire::Credentials& credentials,
                                        std::size_t room) {
  std::array<int, 2> told{};
  if (::setpgid(0, 0) != 0 || ::pipe2(told.data(), O_CLOEXEC) != 0) return send(failed_call("fork"));
  const UniqueFd agents_end(told[0]);
  UniqueFd childs_end(told[1]);
  // Process 1 of a pid namespace has no siblings (clone(2)); whatever is in there ends with it, reaped by the kernel.
  const std::uint64_t flags = ::getpid() == 1 ? 0 : CLONE_PARENT;
  const pid_t child = base::clone_process(flags, nullptr, 0);
  if (child == 0) answer_for_agent(request, credentials, room, childs_end.get());
  if (child < 0) return send(failed_call("fork"));
  childs_end.reset();
  Answered answered;
  ssize_t got = 0;
  do {
    got = ::read(agents_end.get(), &answered, sizeof answered);
  } while (got < 0 && errno == EINTR);
  // It has ended in the middle of its work. So does this one, with which the event ends.
  if (got != sizeof answered) ::_exit(1);
  return answered;
}

}  // namespace

bool answer_list(std::string_view list, const wire::Credentials& credentials) {
  std::size_t room = wire::kMaxFrame;
  for (bool is_first = true;; is_first = false) {
    const auto request = wire::take_from_list(list);
    if (!request) return false;
    if (!is_first) return_to_root();
    const bool is_last = list.empty();
    const bool forks = request->changes_process && !is_last;
    const auto answered = forks ? answer_by_child(request->text, credentials, room)
                                : send(answer(request->text, credentials, room));
    if (!answered) return false;
    if (is_last || answered->failed) return answered->may_serve_again && !request->changes_process;
    room -= answered->size;
  }
}

}  // namespace nsenterd::agent
