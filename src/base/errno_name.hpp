// Names and texts of errno values. No locale is consulted, so both are safe after a join.
#pragma once

#include <string>

namespace nsenterd::base {

/// "ENOENT"; "E" and the number for one that has no name.
std::string errno_name(int error);

/// "no such file or directory": the kernel's text, its first letter in lower case as Go writes it.
std::string errno_text(int error);

}  // namespace nsenterd::base
