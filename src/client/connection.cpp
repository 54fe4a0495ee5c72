#include "client/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

#include <poll.h>

namespace nsenterd::client {
namespace {

using Clock = std::chrono::steady_clock;

/// How often somebody is told that it takes its time.
constexpr std::chrono::milliseconds kTold{250};
/// How often a full backlog is asked for a place: poll(2) cannot wait for that.
constexpr timespec kBacklogPause{0, 5'000'000};

}  // namespace

Result<Connection> Connection::connect(const std::string& path, Deadline deadline) {
  for (;;) {
    auto channel = Channel::connect(path);
    if (channel) return Connection(std::move(*channel));
    const CallError error = channel.error();
    const auto* failure = std::get_if<TransportFailure>(&error);
    if (failure == nullptr || failure->error != EAGAIN) return error;
    if (Clock::now() >= deadline) return DeadlinePassed{};
    ::nanosleep(&kBacklogPause, nullptr);
  }
}

Result<Reply> Connection::call(std::string_view method, const wire::Json& parameters,
                               std::span<const int> descriptors, Deadline deadline) {
  return call({encode_call(method, parameters, false), {descriptors.begin(), descriptors.end()}}, deadline);
}

Result<Reply> Connection::call_more(std::string_view method, const wire::Json& parameters,
                                    Deadline deadline) {
  return call({encode_call(method, parameters, true), {}, true}, deadline);
}

Result<Reply> Connection::call(OutgoingCall call, Deadline deadline) {
  channel_.begin(std::move(call));
  return receive(deadline);
}

Result<Reply> Connection::receive(Deadline deadline) {
  for (;;) {
    auto step = channel_.advance();
    if (auto* reply = std::get_if<Result<Reply>>(&step)) return std::move(*reply);
    if (auto ready = wait_for(std::get<Wait>(step), deadline); !ready) {
      channel_.abandon();
      return ready.error();
    }
  }
}

Result<void> Connection::wait_for(Wait what, Deadline deadline) const {
  const auto events = static_cast<short>(what == Wait::readable ? POLLIN : POLLOUT);
  for (;;) {
    // Rounded up: less than a millisecond that is left must not become a busy loop.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{channel_.socket(), events, 0};
    const long longest = waiting_ ? kTold.count() : INT_MAX;
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<long>(left, 0, longest)));
    // An error or a hang-up is left to the system call that follows, which names it.
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return TransportFailure{"poll", errno};
    if (ready == 0 && Clock::now() >= deadline) return DeadlinePassed{};
    if (ready == 0 && waiting_) waiting_();
  }
}

}  // namespace nsenterd::client
