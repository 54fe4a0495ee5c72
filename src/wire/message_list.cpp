#include "wire/message_list.hpp"

#include <cstdint>
#include <cstring>

namespace nsenterd::wire {
namespace {

// Stands before each message, in the order of this machine's bytes: both sides are of one build.
struct Prefix {
  std::uint32_t length;
  std::uint32_t changes_process;
};

}  // namespace

void append_to_list(std::string& list, const ListedMessage& message) {
  const Prefix prefix{static_cast<std::uint32_t>(message.text.size()), message.changes_process ? 1U : 0U};
  list.append(reinterpret_cast<const char*>(&prefix), sizeof prefix).append(message.text);
}

std::optional<ListedMessage> take_from_list(std::string_view& list) noexcept {
  Prefix prefix{};
  if (list.size() < sizeof prefix) return std::nullopt;
  std::memcpy(&prefix, list.data(), sizeof prefix);
  const std::string_view rest = list.substr(sizeof prefix);
  if (rest.size() < prefix.length) return std::nullopt;
  list = rest.substr(prefix.length);
  return ListedMessage{rest.substr(0, prefix.length), prefix.changes_process != 0};
}

}  // namespace nsenterd::wire
