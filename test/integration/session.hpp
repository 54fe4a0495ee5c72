// A service with its event loop, for tests that go through the library as an embedding program does. Asio
// stays behind this header.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nsenterd/event.hpp>
#include <nsenterd/warm_agents.hpp>

#include "support/container.hpp"

namespace nsenterd::test {

/// "ok", or the failure as text.
std::string outcome_of(const Result<void>& result);

/// How an event that has been sent ended, and its response.
struct Answer {
  std::string outcome;
  Message response;

  /// The errno of an errorResponse; 0 for another one, -1 if there is none.
  [[nodiscard]] int error() const;
  /// The text of an errorResponse; otherwise the outcome.
  [[nodiscard]] std::string text() const;
  /// The bytes of a readFileResponse; throws if it is none.
  [[nodiscard]] std::string bytes() const;
};

/// An event that has been sent. Destroying it terminates it.
class Sent {
 public:
  explicit Sent(NSenterEvent made) : event(std::move(made)) {}

  NSenterEvent event;
  /// How send_request, receive_response and terminate_request ended; empty while they have not.
  std::optional<std::string> sent;
  std::optional<std::string> received;
  std::optional<std::string> terminated;
};
using SentEvent = std::shared_ptr<Sent>;

class Session {
 public:
  /// Starts a service with the agent that the environment's NSENTER_AGENT names. Throws FailureException.
  explicit Session(std::size_t max_events = 512, const WarmAgentLimits& warm_agents = {.agents = 0});
  [[nodiscard]] std::size_t agents_warm() const;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  [[nodiscard]] SentEvent make(EventParameters parameters, Message request);
  void send(const SentEvent& event);
  void receive(const SentEvent& event);
  void terminate(const SentEvent& event);

  /// Sends an event and runs the loop until it is done. Throws std::runtime_error if that takes 20 seconds.
  Answer ask(EventParameters parameters, Message request);
  /// An asynchronous event that sleeps for a minute; returns when its agent runs.
  SentEvent hold(EventParameters parameters);

  /// Runs the loop until the predicate holds; false if it never does.
  bool run_until(const std::function<bool()>& predicate,
                 std::chrono::milliseconds limit = std::chrono::seconds(20));
  void run_for(std::chrono::milliseconds duration);

  /// The first fork server; later ones are found among the children.
  [[nodiscard]] pid_t fork_server() const;
  [[nodiscard]] std::size_t events_running() const;
  void destroy_service();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// All children of this process that are agents or fork servers.
std::vector<pid_t> agent_processes();

/// Whether all events end, and only the fork server is left.
bool settles(Session& session, std::chrono::milliseconds limit = std::chrono::seconds(2));

/// Parameters for all namespaces of a container.
EventParameters inside(const Container& container);

}  // namespace nsenterd::test
