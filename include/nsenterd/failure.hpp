// What can keep an event from bringing a response.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include <boost/system/result.hpp>

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
/// A limit on events under way is reached. Nothing was started.
struct Overloaded {
  std::string limit;
};

/// What can keep an event from bringing a response. (An operation that fails does bring one: errorResponse.)
struct Failure : std::variant<InvalidParameter, NoSuchTarget, JoinFailed, TimedOut, AgentDied, Terminated,
                              Denied, Overloaded> {
  using variant::variant;
};

/// A failure as a line for a person to read.
std::string to_string(const Failure& failure);

/// What value() of a Result throws when there is none.
class FailureException : public std::runtime_error {
 public:
  explicit FailureException(const Failure& failure)
      : std::runtime_error(to_string(failure)), failure_(failure) {}
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};
[[noreturn]] void throw_exception_from_error(const Failure& failure, const boost::source_location& where);

/// A value, or why there is none.
template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace nsenterd
