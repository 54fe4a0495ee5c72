// Who wants to know what becomes of clients and their calls (daemon, and test servers). The server itself logs nothing.
#pragma once

#include <string_view>

#include "varlink/call.hpp"

namespace nsenterd::varlink {

/// How a call ended.
struct CallEnd {
  /// The error that it was answered with; empty if it was none.
  std::string_view error{};
  /// Of the error; null if there was none.
  const Json* parameters = nullptr;
  /// The client has gone before the last reply; what the call is about may still go on.
  bool abandoned = false;
};

/// Told from within the server, which it is not to call.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// Once for every call, when its last reply is given, or its client has gone.
  virtual void call_ended(const Call& call, const CallEnd& end) = 0;
  /// A client is sent away with this error, for what it is or for what it has sent, which is no call.
  virtual void client_refused(const Peer& peer, std::string_view error, const Json& parameters) = 0;
};

}  // namespace nsenterd::varlink
