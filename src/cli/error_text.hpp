// Errors as one line for a person (nsenterctl). Text of the daemon's is in them as it came: escape it to show
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/outcome.hpp"
#include "client/connection.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

/// "no such file or directory (ENOENT)".
std::string errno_description(int error);

/// A system call of this program's own that has just failed: "open /x: no such file or directory (ENOENT)".
Stop failed_call(std::string_view call, std::string_view object);

/// What an error of io.nsenterd or org.varlink.service means; the name and the parameters of any other.
std::string varlink_error_text(const client::VarlinkError& error);

/// Any failure of a call.
std::string call_error_text(const client::CallError& error);

/// The payload of an errorResponse: "lstat /x: no such file or directory (ENOENT)". Nothing if it is
/// malformed.
std::optional<std::string> error_response_text(const wire::Json& payload);

}  // namespace nsenterd::cli
