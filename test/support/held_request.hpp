// A request that is held in its agent, so that the agent can be looked at.
#pragma once

#include <sys/types.h>

#include "support/daemon.hpp"
#include "support/served_container.hpp"

namespace nsenterd::test {

/// Waits for a FUSE filesystem that does not answer (StalledMount), in the only agent of the daemon. Ends with this.
class HeldRequest {
 public:
  /// `parameters` are those of SendRequest. Throws std::runtime_error, with the reply, if the request is not held.
  HeldRequest(ServedContainer& served, const Json& parameters);
  HeldRequest(ServedContainer& served, const Json& message, const Personality& personality)
      : HeldRequest(served, served.parameters(message, personality)) {}
  HeldRequest(const HeldRequest&) = delete;
  HeldRequest& operator=(const HeldRequest&) = delete;
  ~HeldRequest();

  [[nodiscard]] pid_t agent() const { return agent_; }

 private:
  bool is_held() const;

  ServedContainer& served_;
  RawClient client_;
  pid_t agent_ = 0;
};

}  // namespace nsenterd::test
