// Requests under way at the same time, and how each of them ends.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "support/daemon.hpp"

namespace nsenterd::test {

using std::chrono::milliseconds;

/// The deadline of every event here, and how much later its end may be seen.
inline constexpr milliseconds kDeadline{1000};
inline constexpr milliseconds kGrace{500};

struct Ending {
  /// "response", "error response", the name of the Varlink error ("AgentDied"), "closed", or "none".
  std::string outcome;
  /// Less what the machine itself stalled meanwhile (stalls.hpp).
  milliseconds took{};

  [[nodiscard]] bool in_time() const { return took <= kDeadline + kGrace; }
};

/// What a reply amounts to.
std::string outcome_of(const Json& reply);

/// The parameters of SendRequest: all namespaces of the target, and the usual deadline.
Json parameters_for(pid_t target, const Json& message, const Json& more = Json::object());

/// Connections of which each carries one request.
class Exchange {
 public:
  Exchange(const std::filesystem::path& socket, std::size_t count);

  /// Returns when the daemon has accepted all connections.
  void greet();
  void send(const Json& parameters);
  /// Ends the connections, as the end of the client would.
  void disconnect() const;
  /// Waits for all to end.
  std::vector<Ending> endings(milliseconds limit);
  /// Whether anything came after the endings.
  bool more_came();

 private:
  [[nodiscard]] milliseconds time_taken() const;

  std::vector<RawClient> clients_;
  std::chrono::steady_clock::time_point sent_;
  milliseconds stalled_before_{};
};

}  // namespace nsenterd::test
