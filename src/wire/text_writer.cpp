#include "wire/text_writer.hpp"

#include "wire/base64.hpp"

namespace nsenterd::wire {

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20) {
      out += "\\u00";
      out += kHexDigits[code >> 4U];
      out += kHexDigits[code & 0xFU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

void TextWriter::base64(std::string_view in) {
  out_ += '"';
  append_base64(out_, in);
  out_ += '"';
}

}  // namespace nsenterd::wire
