// Makes text from a container safe to show (nsenterctl).
#pragma once

#include "wire/escape.hpp"

namespace nsenterd::cli {

using wire::escape;
using wire::escape_lines;

}  // namespace nsenterd::cli
