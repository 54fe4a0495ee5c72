#include "base/errno_name.hpp"

#include <cerrno>
#include <cstring>

namespace nsenterd::base {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

}  // namespace

std::string errno_name(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? std::string(name) : std::string("E").append(std::to_string(error));
}

std::string errno_text(int error) {
  // The one text in which Go's table is older than the C library's.
  if (error == ESTALE) return "stale NFS file handle";
  const char* description = strerrordesc_np(error);
  if (description == nullptr) return std::string("errno ").append(std::to_string(error));
  std::string text(description);
  // Words such as "RFS" or "STREAMS" keep their capitals.
  if (text.size() > 1 && is_upper(text[0]) && is_lower(text[1]))
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

}  // namespace nsenterd::base
