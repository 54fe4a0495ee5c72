// io.nsenterd: the interface that clients start events with (daemon).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <nsenterd/service.hpp>

#include "daemon/access.hpp"
#include "daemon/pid_translation.hpp"
#include "daemon/send_request.hpp"
#include "varlink/server.hpp"

namespace nsenterd::daemon {

struct EventLimits {
  std::chrono::milliseconds default_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds maximum_timeout = std::chrono::minutes(5);
};

class EventInterface {
 public:
  /// The service outlives the interface, and the interface the server.
  EventInterface(NSenterService& service, const EventLimits& limits) : service_(service), limits_(limits) {}

  varlink::Interface describe();

 private:
  void send_request(const std::shared_ptr<varlink::Call>& call);
  static Result<Target> pin_target(varlink::Call& call, const SendRequestParameters& parameters,
                                   const std::optional<PidTranslation>& pids);
  void start(const std::shared_ptr<varlink::Call>& call, SendRequestParameters parameters, Target target,
             std::optional<PidTranslation> pids);

  NSenterService& service_;
  EventLimits limits_;
  HostGuard host_;
  std::uint64_t events_ = 0;
};

}  // namespace nsenterd::daemon
