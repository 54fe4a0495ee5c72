// What the requests about one file have in common (nsenterctl).
#pragma once

#include <string_view>

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "cli/session.hpp"

namespace nsenterd::cli {

/// The payload of a request about the options' path, which is called `path_field` there.
wire::Json file_payload(const Options& options, const char* path_field);

/// Sends the request; prints the response, of whatever type, if the options ask for JSON. Stops unless the
/// response is of the type expected.
Outcome<Message> ask(Session& session, const Options& options, const Message& request,
                     std::string_view expected_type);

/// The message as one line of JSON on standard output.
Outcome<void> write_response(const Message& response);

}  // namespace nsenterd::cli
