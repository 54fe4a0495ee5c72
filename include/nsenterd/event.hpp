// NSenterEvent: the envelope of one request, or of several, their target, and the responses.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include <nsenterd/api.hpp>
#include <nsenterd/failure.hpp>
#include <nsenterd/message.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/target.hpp>

namespace nsenterd {

namespace service {
class EventState;
class MessageExchange;
}  // namespace service

/// The most requests that may follow the first of an event.
inline constexpr std::size_t kMaxFollowingRequests = 64;

/// What an event asks for. Made once, then read only.
struct EventParameters {
  /// The target: pinned by the caller, or a process id that is pinned when the request is sent. 0, none, where there are
  /// namespace_descriptors.
  std::variant<pid_t, Target> target = 0;
  /// Effective ids of the process on whose behalf the request is made, as the caller's user namespace numbers them; the
  /// kernel translates them. Where one is absent, the agent's own stays: root of the user namespace that it is in. Some
  /// messages do not look at them (docs/messages.md).
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
  /// The target's namespaces to join. Those that are the caller's own already are left out.
  Namespaces namespaces{};
  /// Further namespaces to join, of kinds that are not in `namespaces`. They stay the caller's, who keeps them open until the
  /// event has been sent. Where the user namespace is among them, nobody can ask whether it knows `uid` and `gid`: with one that
  /// is looked at they are refused.
  NamespaceDescriptors namespace_descriptors{};
  /// Directories to be the agent's root (chroot(2)) and its working directory, opened with O_PATH; -1 for the root of the mount
  /// namespace that it is in. To be kept open as namespace_descriptors.
  int root = -1;
  int working_directory = -1;
  /// CLONE_NEW* bits of the namespaces to create after joining (clone(2)).
  std::uint64_t clone_flags = 0;
  /// Whether send_request is done as soon as the agent runs and has the request.
  bool async = false;
  /// Whether a target is Denied that is in the caller's own mount namespace, or that the caller may not even look at: a wrong
  /// process id does no harm then.
  bool refuse_host = false;
  /// Whether it is Denied that a private procfs or sysfs, which a request asks for, is that of the caller's own pid or network
  /// namespace: it would show what the caller's own may hide.
  bool refuse_host_mounts = false;
  /// Whether an agent of its own is started in any case, although a warm one may fit.
  bool fresh_agent = false;
  /// From sending the request to its response, or to the last one; for an asynchronous event too.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  /// Further requests, which the same agent runs one after the other when it has run the first, with these same parameters. The
  /// first that fails is the last that is run. At most one message of an event may be one that is answered with a descriptor.
  std::vector<Message> following_requests{};
  /// Called from the event loop when the agent runs and has been given the request, if it comes to that.
  std::function<void()> on_running{};
};

/// How far an event came, and when. What it has not come to is the clock's epoch.
struct EventTimes {
  using Clock = std::chrono::steady_clock;

  /// The request had been found right, and so had the target, unless a warm agent could begin before that.
  Clock::time_point checked;
  /// An agent had been given the request.
  Clock::time_point given;
  /// The response, or the last one, had been read.
  Clock::time_point answered;
  /// What of the time between the two the operations took, by the agent's own account. The rest is for joining, and for
  /// waking up on either side.
  std::chrono::nanoseconds operation{};
  /// Whether the agent was a warm one.
  bool warm = false;
};

/// An event, made by NSenterService::new_event. It is sent once. Destroying it before it has ended terminates
/// it: its agent is killed and reaped. Not thread-safe: to be used where its service's executor runs.
class NSENTERD_API NSenterEvent {
 public:
  NSenterEvent(NSenterEvent&&) noexcept = default;
  NSenterEvent& operator=(NSenterEvent&& other) noexcept;
  NSenterEvent(const NSenterEvent&) = delete;
  NSenterEvent& operator=(const NSenterEvent&) = delete;
  ~NSenterEvent();

  [[nodiscard]] const EventParameters& parameters() const noexcept;

  [[nodiscard]] const Message& request() const noexcept;
  /// Takes effect when the event is sent afterwards.
  void set_request(Message request);

  /// As given to new_event until the agent has answered; an errorResponse if the operation failed. In an
  /// openat2SyscallResponse "fd" is descriptor().
  [[nodiscard]] const Message& response() const;
  void set_response(Message response);
  /// The same as JSON text, for those who pass it on: `{"message":TYPE,"payload":...}`. Empty before the agent has answered. In
  /// it "fd" is 0: the index of the descriptor that goes along.
  [[nodiscard]] const std::string& response_text() const noexcept;

  /// The responses to EventParameters::following_requests, in their order. Fewer than these where one is an errorResponse, which
  /// is the last; none where the first request failed, or the event.
  [[nodiscard]] const std::vector<Message>& following_responses() const;
  /// The same as texts, each as response_text().
  [[nodiscard]] const std::vector<std::string>& following_response_texts() const noexcept;

  /// The descriptor that came with a response, still owned by the event, which closes it on a thread of its own: close(2)
  /// may wait for the filesystem of a container. -1 if there is none.
  [[nodiscard]] int descriptor() const noexcept;
  /// Gives that descriptor up to the caller.
  [[nodiscard]] int release_descriptor() noexcept;

  /// The agent's process id as the caller's pid namespace numbers it; 0 before it runs. Once the event has
  /// ended the number may belong to another process.
  [[nodiscard]] pid_t process_id() const noexcept;
  [[nodiscard]] const EventTimes& times() const noexcept;
  /// The agent as target of another event, which enters the namespaces that this one has joined and created.
  /// NoSuchTarget if it does not run (yet, or any more).
  [[nodiscard]] Result<Target> agent() const;

 private:
  friend class NSenterService;
  NSenterEvent(std::shared_ptr<service::EventState> state, service::MessageExchange& exchange) noexcept;

  std::shared_ptr<service::EventState> state_;
  // The state's own.
  service::MessageExchange* exchange_;
};

}  // namespace nsenterd
