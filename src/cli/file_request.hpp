// What the requests about one file have in common (nsenterctl).
#pragma once

#include "cli/options.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

/// The payload of a request about the options' path, which is called `path_field` there.
wire::Json file_payload(const Options& options, const char* path_field);

}  // namespace nsenterd::cli
