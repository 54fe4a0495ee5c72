// Errors as one line for a person (nsenterctl). Text of the daemon's is in them as it came: escape it to show
// it.
#pragma once

#include <string>
#include <string_view>

#include "cli/outcome.hpp"
#include "client/reply.hpp"

namespace nsenterd::cli {

/// "no such file or directory (ENOENT)".
std::string errno_description(int error);

/// A system call of this program's own that has just failed: "open /x: no such file or directory (ENOENT)".
Stop failed_call(std::string_view call, std::string_view object);

/// Any failure of a call.
std::string call_error_text(const client::CallError& error);

}  // namespace nsenterd::cli
