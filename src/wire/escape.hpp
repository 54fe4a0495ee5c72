// Makes text from elsewhere safe to show (nsenterctl, and the daemon where it logs).
#pragma once

#include <string>
#include <string_view>

namespace nsenterd::wire {

/// A single line that a terminal only displays: control characters (C0, DEL, C1), characters that reorder or
/// break lines, and bytes that are not UTF-8 become "\n", "\t", "\r" or "\x1b"; a backslash becomes two, so
/// that the original can be told.
std::string escape(std::string_view text);

/// The same for text of several lines, whose ends stay.
std::string escape_lines(std::string_view text);

}  // namespace nsenterd::wire
