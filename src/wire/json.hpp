// Strict JSON: what nlohmann/json accepts, less duplicate keys and deep nesting (both sides).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>
#include <nlohmann/json.hpp>

namespace nsenterd::wire {

using Json = nlohmann::json;

/// Levels of arrays and objects that a message may nest.
inline constexpr std::size_t kMaxDepth = 64;

/// Why a text is not acceptable JSON, for a person to read. Contains nothing of the text itself.
struct JsonError {
  std::string reason;
};
[[noreturn]] void throw_exception_from_error(const JsonError& error, const boost::source_location& where);

/// Parses a whole text as one JSON value. Integers are exact over the whole signed and unsigned 64-bit range.
/// Refuses duplicate keys, text that is not UTF-8, and more than `max_depth` levels; neither recursion nor
/// memory grows with the depth of the input beyond that.
boost::system::result<Json, JsonError> parse_json(std::string_view text, std::size_t max_depth = kMaxDepth);

/// Appends the shortest encoding of a value. Strings that are not UTF-8 are an error of the caller: they are
/// checked where they enter (is_utf8).
void append_json(std::string& out, const Json& value);

/// Whether the bytes are well-formed UTF-8, which is all that a JSON string can carry.
bool is_utf8(std::string_view bytes) noexcept;

}  // namespace nsenterd::wire
