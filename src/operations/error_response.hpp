// errorResponse: the failure of an operation, as a message (made in the agent, checked in the daemon).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/fields.hpp"

namespace nsenterd::operations {

inline constexpr char kErrorResponse[] = "errorResponse";

/// Why an operation failed, in the form that sysbox-fs gives it.
struct ErrorResponse {
  /// The Go type of the error: "*fs.PathError", "*os.SyscallError", "syscall.Errno" or "*errors.errorString".
  std::string type;
  /// The errno; EIO where there is none.
  std::int32_t code = 0;
  std::string message;
};

template <class Fields, wire::Describes<ErrorResponse> Payload>
void describe(Fields& fields, Payload& error) {
  fields.text("type", error.type);
  fields.integer("code", error.code);
  fields.text("message", error.message);
}

[[noreturn]] void throw_exception_from_error(const ErrorResponse& error, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, ErrorResponse>;

/// "lstat /x: no such file or directory". `path` came in a JSON string, so it is UTF-8.
ErrorResponse path_error(std::string_view operation, std::string_view path, int error);

/// As path_error, with errno.
ErrorResponse path_error(std::string_view operation, std::string_view path);

/// "capset: operation not permitted": errno, of a system call without a path.
ErrorResponse system_call_error(std::string_view call);

/// An error that no path belongs to; `text` is the whole message.
ErrorResponse plain_error(int error, std::string_view text);

}  // namespace nsenterd::operations
