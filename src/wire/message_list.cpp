#include "wire/message_list.hpp"

#include <cstdint>
#include <cstring>

namespace nsenterd::wire {
namespace {

// Stands before each message, in the order of this machine's bytes: both sides are of one build.
using Length = std::uint32_t;

}  // namespace

void append_to_list(std::string& list, std::string_view message) {
  const auto length = static_cast<Length>(message.size());
  list.append(reinterpret_cast<const char*>(&length), sizeof length).append(message);
}

std::optional<std::string_view> take_from_list(std::string_view& list) noexcept {
  Length length = 0;
  if (list.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, list.data(), sizeof length);
  const std::string_view rest = list.substr(sizeof length);
  if (rest.size() < length) return std::nullopt;
  list = rest.substr(length);
  return rest.substr(0, length);
}

}  // namespace nsenterd::wire
