// A client of events: calls with several replies, and calls whose replies are read later.
#pragma once

#include <string>
#include <vector>

#include "support/daemon.hpp"

namespace nsenterd::test {

/// The parameters of SendRequest, with all of the target's namespaces unless `more` says otherwise.
Json event_parameters(pid_t pid, const Json& message, Json more = Json::object());
/// The same, of an asynchronous event.
Json async_parameters(pid_t pid, const Json& message, Json more = Json::object());

class EventClient : public RawClient {
 public:
  explicit EventClient(const ServerProcess& daemon) : RawClient(daemon.socket()) {}

  /// Sends a call of io.nsenterd, whose replies are read with reply().
  void begin(const std::string& method, const Json& parameters = Json::object(), bool more = false);
  /// The next reply; throws if there is none within ten seconds.
  Json reply();

  /// A call of io.nsenterd and its reply.
  Json ask(const std::string& method, const Json& parameters = Json::object()) {
    return call("io.nsenterd." + method, parameters);
  }
  /// TerminateRequest, or another method about one event.
  Json about(const std::string& method, const std::string& event) { return ask(method, {{"event", event}}); }
  Json terminate(const std::string& event) { return about("TerminateRequest", event); }

  /// Starts an asynchronous event, and returns the parameters of the first reply. Throws std::runtime_error if that is an
  /// error.
  Json start(pid_t pid, const Json& message, Json more = Json::object());
  /// The name of one that sleeps for a minute.
  std::string start_sleep(pid_t pid, Json more = Json::object());

  /// The events under way, and the statistics, as this client is shown them.
  Json events();
  Json statistics();
};

/// Whether a reply is no error. (An error has parameters, too.)
inline bool succeeded(const Json& reply) {
  return !reply.contains("error") && reply.contains("parameters");
}

/// Of the statistics, the part about one message; null if there is none.
Json statistics_of(const Json& statistics, const std::string& message);

/// Whether, within five seconds, the daemon has no agents and as many descriptors as before.
bool nothing_left(const Daemon& daemon, std::size_t descriptors);

/// Stops a process for as long as this lives, so that what it is asked waits.
class Stopped {
 public:
  explicit Stopped(pid_t pid);
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped();

 private:
  pid_t pid_;
};

}  // namespace nsenterd::test
