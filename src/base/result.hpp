// The result type of everything that asks the kernel: a value, or which step failed with which errno.
#pragma once

#include <cerrno>
#include <string_view>
#include <system_error>

#include <boost/system/result.hpp>

namespace nsenterd::base {

/// A system call that failed. `step` is a string with static storage, such as "pidfd_open".
struct SystemError {
  std::string_view step;
  int error = 0;
};

template <class T>
using Result = boost::system::result<T, SystemError>;

/// The error of the system call that has just failed.
inline SystemError last_error(std::string_view step) noexcept {
  return {step, errno};
}

/// Found by boost::system::result when value() is called on an error; only start-up code does that.
[[noreturn]] inline void throw_exception_from_error(const SystemError& failure,
                                                    const boost::source_location& /*where*/) {
  throw std::system_error(failure.error, std::generic_category(), std::string(failure.step));
}

}  // namespace nsenterd::base
