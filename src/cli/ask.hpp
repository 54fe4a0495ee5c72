// Asks for one operation and shows its response (nsenterctl).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "cli/session.hpp"

namespace nsenterd::cli {

/// Sends the request; prints the response, of whatever type, if the options ask for JSON. Stops unless the
/// response is the one named after the request.
Outcome<Message> ask(Session& session, const Options& options, const Message& request);

/// As ask, where success is all there is to know.
Outcome<void> carry_out(Session& session, const Options& options, const Message& request);

/// What there is to print of a payload; nothing if it is malformed.
using Show = std::function<std::optional<std::string>(const wire::Json& payload)>;

/// As ask; prints what `show` makes of the response unless the options ask for JSON.
Outcome<void> ask_and_show(Session& session, const Options& options, const Message& request,
                           const Show& show);

}  // namespace nsenterd::cli
