// Reads whole files (nsenterctl).
#pragma once

#include <string>
#include <string_view>

#include "cli/outcome.hpp"

namespace nsenterd::cli {

/// Everything from the descriptor until end of file. `name` is for the error.
Outcome<std::string> read_all(int file, std::string_view name);

/// A whole file of this process's own mount namespace.
Outcome<std::string> read_file(const std::string& path);

}  // namespace nsenterd::cli
