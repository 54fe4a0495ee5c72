// What can keep an event from bringing a response.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include <boost/system/result.hpp>
#include <boost/version.hpp>

#include <nsenterd/api.hpp>

static_assert(BOOST_VERSION >= 108100, "nsenterd needs Boost 1.81 or later");

namespace nsenterd {

/// A parameter is missing, of the wrong type, or out of range; nothing was started. The name is a path such
/// as "request.payload.offset".
struct InvalidParameter {
  std::string parameter;
};
/// There is no such process, or it ended before its namespaces could be opened.
struct NoSuchTarget {};
/// A namespace could not be joined or created, or the agent not be made. The step names it, such as "setns
/// user" or "unshare mnt"; the error is an errno.
struct JoinFailed {
  std::string step;
  int error = 0;
};
/// The deadline passed before the response came. The agent was killed.
struct TimedOut {};
/// The agent ended without a response: by this signal, or with this status, or unknown how.
struct AgentDied {
  std::optional<int> signal;
  std::optional<int> status;
};
/// The event was terminated before its response came.
struct Terminated {};
/// The target is a process of the host, and the event was not to enter those (EventParameters::refuse_host).
struct Denied {};
/// The function that was to run in the namespaces has failed (module.hpp): what it says of it, and the errno where that is what
/// it threw (std::system_error); 0 otherwise.
struct ModuleFailed {
  std::string message;
  int error = 0;
};
/// A limit on events under way is reached. Nothing was started.
struct Overloaded {
  std::string limit;
};

/// What can keep an event from bringing a response. (An operation that fails does bring one: errorResponse.)
struct Failure : std::variant<InvalidParameter, NoSuchTarget, JoinFailed, TimedOut, AgentDied, Terminated,
                              Denied, ModuleFailed, Overloaded> {
  using variant::variant;
};

/// A failure as a line for a person to read.
NSENTERD_API std::string to_string(const Failure& failure);

/// What value() of a Result throws when there is none.
class NSENTERD_API FailureException : public std::runtime_error {
 public:
  explicit FailureException(const Failure& failure);
  FailureException(const FailureException&) = default;
  FailureException& operator=(const FailureException&) = default;
  ~FailureException() override;
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};
[[noreturn]] NSENTERD_API void throw_exception_from_error(const Failure& failure,
                                                          const boost::source_location& where);

/// A value, or why there is none.
template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace nsenterd
