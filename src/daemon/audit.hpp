// Writes down who was denied what, what went wrong, and, where everything is to be audited, every call (daemon).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <nsenterd/failure.hpp>
#include <nsenterd/message.hpp>

#include "daemon/access.hpp"
#include "daemon/event_registry.hpp"
#include "daemon/log.hpp"
#include "varlink/observer.hpp"

namespace nsenterd::daemon {

/// Calls and clients that were sent away.
struct Refusals {
  std::uint64_t permission_denied = 0;
  std::uint64_t invalid_parameter = 0;
  /// By the limit's name: there are as many as the daemon has limits.
  std::map<std::string, std::uint64_t, std::less<>> overloaded;
};

/// A call's subject() is the ClientEvent that it has started, once there is one.
class Audit : public varlink::Observer {
 public:
  /// The log and the rules outlive it.
  Audit(Log& log, const AccessRules& access) : log_(log), access_(access) {}

  /// For as long as a request is being checked, and before there is an event.
  class Checking {
   public:
    Checking(Audit& audit, const varlink::Call& call, const Message& request) : audit_(audit) {
      audit_.checked_ = {&call, &request};
    }
    ~Checking() { audit_.checked_ = {}; }
    Checking(const Checking&) = delete;
    Checking& operator=(const Checking&) = delete;

    /// Why it is about to be denied.
    void set_reason(Decision decision) { audit_.checked_.reason = name_of(decision); }

   private:
    Audit& audit_;
  };

  void call_ended(const varlink::Call& call, const varlink::CallEnd& end) override;
  void client_refused(const varlink::Peer& peer, std::string_view error,
                      const wire::Json& parameters) override;
  /// An event ended without a response.
  void event_failed(const ClientEvent& event, const Failure& failure);

  void fork_server_restarted();
  void agent_stuck(pid_t agent);

  [[nodiscard]] const Log& log() const noexcept { return log_; }
  [[nodiscard]] std::uint64_t fork_server_restarts() const noexcept { return fork_server_restarts_; }
  [[nodiscard]] const Refusals& refusals() const noexcept { return refusals_; }

 private:
  void count(std::string_view error, const wire::Json* parameters);
  void write(RecordKind kind, const varlink::Call& call, const varlink::CallEnd& end);

  Log& log_;
  const AccessRules& access_;
  struct Checked {
    const varlink::Call* call = nullptr;
    const Message* request = nullptr;
    std::string_view reason;
  };
  Checked checked_;
  Refusals refusals_;
  std::uint64_t fork_server_restarts_ = 0;
};

}  // namespace nsenterd::daemon
