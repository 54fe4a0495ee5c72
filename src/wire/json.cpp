#include "wire/json.hpp"

#include <stdexcept>

namespace nsenterd::wire {

void throw_exception_from_error(const JsonError& error, const boost::source_location& /*where*/) {
  throw std::runtime_error(error.reason);
}

void append_json(std::string& out, const Json& value) {
  out += value.dump();
}

bool is_utf8(std::string_view bytes) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at != end) {
    const unsigned lead = *at++;
    if (lead < 0x80) continue;
    int trailing = 0;
    unsigned code = 0;
    unsigned smallest = 0;
    if ((lead & 0xE0U) == 0xC0) {
      trailing = 1, code = lead & 0x1FU, smallest = 0x80;
    } else if ((lead & 0xF0U) == 0xE0) {
      trailing = 2, code = lead & 0x0FU, smallest = 0x800;
    } else if ((lead & 0xF8U) == 0xF0) {
      trailing = 3, code = lead & 0x07U, smallest = 0x10000;
    } else {
      return false;
    }
    for (; trailing > 0; --trailing) {
      if (at == end || (*at & 0xC0U) != 0x80) return false;
      code = (code << 6U) | (*at++ & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < smallest || code > 0x10FFFF || surrogate) return false;
  }
  return true;
}

}  // namespace nsenterd::wire
