// NSenterService: runs requests inside the namespaces of other processes.
//
//   boost::asio::io_context context;
//   auto service = nsenterd::NSenterService::create(context.get_executor(), {.agent = "/usr/libexec/nsenter-agent"});
//   if (!service) ...
//   auto event = service->new_event(pid, 0, 0, nsenterd::Namespaces::all(), 0, request, {}, false);
//   service->send_request(event, [&](nsenterd::Result<void> done) {
//     if (done) use(event.response());
//     context.stop();
//   });
//   context.run();
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/completion.hpp>
#include <nsenterd/event.hpp>
#include <nsenterd/failure.hpp>
#include <nsenterd/warm_agents.hpp>

namespace nsenterd {

namespace service {
class ServiceState;
}

struct ServiceOptions {
  /// The program that enters namespaces: nsenter-agent, as installed. It is copied when the service is made;
  /// the file may be replaced later.
  std::filesystem::path agent{};
  /// Events under way at most, those included whose agents are stuck; the next is refused with Overloaded, never queued.
  std::size_t max_events = 512;
  WarmAgentLimits warm_agents{};
  /// Told of what an operator wants to know, from the event loop; they are not to call the service. The fork server had ended, or did
  /// not answer any more, and another one has been started.
  std::function<void()> on_fork_server_restarted{};
  /// An event has ended more than a second ago, but its processes, of which this is the agent, are still there, though they were
  /// killed. 0 where no agent is known.
  std::function<void(pid_t)> on_agent_stuck{};
};

/// Makes events and carries them to agents. For a caller with the rights to join the namespaces concerned
/// (setns(2)), which is root as a rule.
///
/// Asynchronous: everything happens on the executor given, which stays the caller's. Not thread-safe: the
/// service and its events are used where that executor runs; if several threads run it, give the service a
/// strand.
///
/// The service starts one process, the fork server, and an agent for every event. They end with the service,
/// and with the thread that created it (agents carry a parent-death signal, which is a matter of threads:
/// prctl(2), PR_SET_PDEATHSIG), so create it on a thread that stays.
///
/// Completion tokens are Asio's: a callback, use_future, use_awaitable and so on; the signature of all
/// operations is `void(Result<void>)`.
class NSENTERD_API NSenterService {
 public:
  /// Starts the fork server; waits for it, for at most five seconds. Fails with JoinFailed, whose step says
  /// what is missing: the agent's file, a system call that the kernel lacks, a right.
  static Result<NSenterService> create(boost::asio::any_io_executor executor, const ServiceOptions& options);

  NSenterService(NSenterService&&) noexcept = default;
  NSenterService& operator=(NSenterService&& other) noexcept;
  NSenterService(const NSenterService&) = delete;
  NSenterService& operator=(const NSenterService&) = delete;
  /// Terminates all events, and waits until their agents and the fork server are gone, for at most a second.
  ~NSenterService();

  /// Makes an event. Nothing is checked or started before it is sent.
  /// `uid` and `gid` are those of the process on whose behalf the request is made; `response` is what
  /// NSenterEvent::response() is until the agent has answered.
  NSenterEvent new_event(pid_t pid, uid_t uid, gid_t gid, Namespaces namespaces, std::uint64_t clone_flags,
                         Message request, Message response, bool async);
  NSenterEvent new_event(EventParameters parameters, Message request, Message response = {});

  /// Starts an agent and gives it the request, or all of them. Done when the last response is there, or, for an asynchronous
  /// event, when the agent runs and has them. After a failure nothing is left: no process, no
  /// descriptor.
  template <class CompletionToken>
  auto send_request(NSenterEvent& event, CompletionToken&& token) {
    return initiate(&NSenterService::start_send, event, std::forward<CompletionToken>(token));
  }

  /// Waits for the last response of an asynchronous event that has been sent. Any number may wait; at once if it
  /// is there.
  template <class CompletionToken>
  auto receive_response(NSenterEvent& event, CompletionToken&& token) {
    return initiate(&NSenterService::start_receive, event, std::forward<CompletionToken>(token));
  }

  /// Ends an event: kills its agent and waits for it (for at most a second: the kernel may keep a process in
  /// uninterruptible sleep; it is then reaped when it is let go). What waits for the event gets Terminated.
  /// No error if the event has ended or was never sent.
  template <class CompletionToken>
  auto terminate_request(NSenterEvent& event, CompletionToken&& token) {
    return initiate(&NSenterService::start_terminate, event, std::forward<CompletionToken>(token));
  }

  /// Other limits from now on than those of ServiceOptions. Events under way go on; agents that are kept and are too many now are
  /// ended.
  void set_limits(std::size_t max_events, const WarmAgentLimits& warm_agents);

  /// Events that have been sent and have not ended.
  [[nodiscard]] std::size_t events_running() const noexcept;
  /// Events that have ended more than a second ago, but whose processes the kernel has not let go yet, though they were
  /// killed: uninterruptible sleep. They are reaped when it does.
  [[nodiscard]] std::size_t agents_stuck() const noexcept;
  /// Agents that are kept for events to come.
  [[nodiscard]] std::size_t agents_warm() const noexcept;

 private:
  using Handler = std::function<void(Result<void>)>;
  using Start = void (*)(service::EventState&, Handler);

  explicit NSenterService(std::shared_ptr<service::ServiceState> state) noexcept;

  static void start_send(service::EventState& event, Handler handler);
  static void start_receive(service::EventState& event, Handler handler);
  static void start_terminate(service::EventState& event, Handler handler);

  template <class CompletionToken>
  auto initiate(Start start, NSenterEvent& event, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(Result<void>)>(
        [this, start, &event](auto handler) {
          start(*event.state_, keep_handler<Result<void>>(std::move(handler), default_executor()));
        },
        token);
  }

  [[nodiscard]] boost::asio::any_io_executor default_executor() const;

  std::shared_ptr<service::ServiceState> state_;
};

}  // namespace nsenterd
