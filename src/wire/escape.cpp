#include "wire/escape.hpp"

#include <cstdint>

#include "wire/json.hpp"

namespace nsenterd::wire {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// The first character of `text`, or its first byte where that begins no well-formed UTF-8.
std::string_view first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::string_view character = text.substr(0, length);
  return is_utf8(character) ? character : text.substr(0, 1);
}

std::uint32_t code_point(std::string_view character) {
  // The lead byte of a sequence of n bytes gives 7 - n bits, all others give 6.
  std::uint32_t code = static_cast<unsigned char>(character.front()) & (0x7FU >> character.size());
  for (const char trailing : character.substr(1))
    code = (code << 6U) | (static_cast<unsigned char>(trailing) & 0x3FU);
  return code;
}

bool is_displayed(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return lead >= 0x20 && lead < 0x7F;
  const std::uint32_t code = code_point(character);
  const bool control = code < 0xA0;
  const bool separator = code == 0x2028 || code == 0x2029;
  // Marks, embeddings, overrides and isolates of writing from right to left: they can make one name look like
  // another.
  const bool direction = code == 0x061C || code == 0x200E || code == 0x200F ||
                         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return !control && !separator && !direction;
}

void append_escaped(std::string& out, char byte) {
  switch (byte) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += kHexDigits[value >> 4U];
  out += kHexDigits[value & 0xFU];
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view character = first_character(text);
    if (character == "\\") {
      out += "\\\\";
    } else if (is_displayed(character)) {
      out += character;
    } else {
      for (const char byte : character) append_escaped(out, byte);
    }
    text.remove_prefix(character.size());
  }
  return out;
}

std::string escape_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += escape(text.substr(0, end));
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace nsenterd::wire
