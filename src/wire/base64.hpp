// Standard base64 with padding (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsenterd::wire {

std::string encode_base64(std::string_view bytes);

void append_base64(std::string& out, std::string_view bytes);

/// Nothing if the text is not canonical: wrong length, alphabet or padding, or bits set that mean nothing.
std::optional<std::string> decode_base64(std::string_view text);

/// Whether it is canonical.
bool is_base64(std::string_view text) noexcept;

}  // namespace nsenterd::wire
