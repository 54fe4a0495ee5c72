// Several messages in the body of one frame (both sides).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsenterd::wire {

/// Adds a message, as text, at the end.
void append_to_list(std::string& list, std::string_view message);

/// Takes the first message off, a view of what `list` views; nothing if none is there whole.
std::optional<std::string_view> take_from_list(std::string_view& list) noexcept;

}  // namespace nsenterd::wire
