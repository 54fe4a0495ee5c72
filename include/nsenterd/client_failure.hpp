// What can keep a client's call from bringing what was asked for.
#pragma once

#include <stdexcept>
#include <string>
#include <variant>

#include <boost/system/result.hpp>
#include <nlohmann/json.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/failure.hpp>

namespace nsenterd {

/// The operation was tried and has failed: errorResponse (docs/messages.md).
struct OperationFailed {
  /// The errno.
  int error = 0;
  /// Such as "open /proc/sys/kernel/x: no such file or directory".
  std::string message;
};
/// The daemon does not let this client do that (docs/protocol.md, "Access").
struct PermissionDenied {};
/// No event has that name, or it is another user's, or its response has been received.
struct NoSuchEvent {
  std::string event;
};
/// There is no connection to the daemon, or it broke. The step is "connect", "send", "poll" or "receive". The errno is ECONNRESET where the
/// daemon has closed the connection before it replied, EMSGSIZE or EBADMSG where what came is no reply, otherwise that of the
/// system call.
struct Disconnected {
  std::string step;
  int error = 0;
  /// Whether the call may have been carried out, or a part of it, although there is no reply. If not, it never will be.
  bool may_have_run = false;
};
/// The caller cancelled the call. What had begun was ended.
struct Cancelled {};
/// A Varlink error that has no name above.
struct OtherError {
  std::string name;
  /// An object.
  nlohmann::json parameters;
};

/// Besides those of failure.hpp, of which Denied and ModuleFailed are not among them. TimedOut is also what comes of a daemon that does not
/// answer by the deadline.
struct ClientFailure : std::variant<OperationFailed, InvalidParameter, NoSuchTarget, JoinFailed, TimedOut,
                                    AgentDied, Terminated, Overloaded, PermissionDenied, NoSuchEvent,
                                    Disconnected, Cancelled, OtherError> {
  using variant::variant;
};

/// A failure as a line for a person to read.
NSENTERD_API std::string to_string(const ClientFailure& failure);

/// The errno for somebody who must answer a system call with one: the operation's own; ESRCH for NoSuchTarget, that of the step for
/// JoinFailed, ETIMEDOUT, EAGAIN for Overloaded, EINTR for Cancelled and Terminated, EPERM for PermissionDenied, EINVAL for
/// InvalidParameter; EIO for all that says nothing of the operation.
NSENTERD_API int errno_of(const ClientFailure& failure) noexcept;

/// What value() of a ClientResult throws when there is none.
class NSENTERD_API ClientFailureException : public std::runtime_error {
 public:
  explicit ClientFailureException(const ClientFailure& failure);
  ClientFailureException(const ClientFailureException&) = default;
  ClientFailureException& operator=(const ClientFailureException&) = default;
  ~ClientFailureException() override;
  [[nodiscard]] const ClientFailure& failure() const noexcept { return failure_; }

 private:
  ClientFailure failure_;
};
[[noreturn]] NSENTERD_API void throw_exception_from_error(const ClientFailure& failure,
                                                          const boost::source_location& where);

/// A value, or why there is none.
template <class T>
using ClientResult = boost::system::result<T, ClientFailure>;

}  // namespace nsenterd
