// A daemon, a container that things happen to, and one that must not notice.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "faults/bare_container.hpp"
#include "faults/exchange.hpp"
#include "faults/neighbour.hpp"
#include "support/daemon.hpp"

namespace nsenterd::test {

/// Options of a daemon that keeps agents between events that follow each other, and soon none.
inline const std::vector<std::string> kKeepsAgents{"--warm-agents", "4", "--warm-agent-time", "300ms"};

class Scene {
 public:
  /// With further options on the daemon's command line.
  explicit Scene(const std::vector<std::string>& options = {});

  Daemon& daemon() { return daemon_; }
  [[nodiscard]] const BareContainer& target() const { return *target_; }
  BareContainer& target() { return *target_; }
  /// Replaces the target.
  void renew_target() { target_ = std::make_unique<BareContainer>(); }

  [[nodiscard]] bool daemon_has_ended() const;
  /// The newest, if one is still ending; 0 if there is none.
  [[nodiscard]] pid_t fork_server() const;

  /// Whether a request for the target gets its response; a few tries are allowed, as many as fit the time.
  bool serves_within(milliseconds limit);

  /// How many descriptors the daemon may have open, until that is lifted.
  void limit_descriptors(std::size_t most) const;
  void lift_limits() const { limit_descriptors(0); }

  /// Ends the neighbour, whose requests run from the beginning.
  const Neighbour::Record& stop_neighbour() { return neighbour_->stop(); }

  /// What the daemon has kept of events that have ended, and should not have; empty if nothing. The neighbour has been stopped,
  /// and nobody else is connected.
  std::string left_over();

 private:
  std::unique_ptr<BareContainer> target_ = std::make_unique<BareContainer>();
  BareContainer other_;
  Daemon daemon_;
  pid_t daemon_pid_;
  std::size_t descriptors_ = 0;
  std::optional<Neighbour> neighbour_;
};

}  // namespace nsenterd::test
