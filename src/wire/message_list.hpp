// Several messages in the body of one frame (both sides).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsenterd::wire {

struct ListedMessage {
  std::string_view text;
  /// Whether what it asks for leaves the process that does it another one than it was.
  bool changes_process = false;

  friend bool operator==(const ListedMessage&, const ListedMessage&) = default;
};

/// Adds a message at the end.
void append_to_list(std::string& list, const ListedMessage& message);

/// Takes the first message off, a view of what `list` views; nothing if none is there whole.
std::optional<ListedMessage> take_from_list(std::string_view& list) noexcept;

}  // namespace nsenterd::wire
