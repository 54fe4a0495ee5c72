#include "wire/message.hpp"

#include <utility>

namespace nsenterd::wire {
namespace {

constexpr std::string_view kBegin = R"({"message":")";
constexpr std::string_view kMiddle = R"(","payload":)";
constexpr std::string_view kEnd = "}";

}  // namespace

std::string join_message(std::string_view type, std::string payload) {
  std::string begin;
  begin.reserve(kBegin.size() + type.size() + kMiddle.size());
  begin.append(kBegin).append(type).append(kMiddle);
  // To move a long one takes less than to copy it to memory that is not there yet.
  payload.reserve(begin.size() + payload.size() + kEnd.size());
  return std::move(payload.insert(0, begin).append(kEnd));
}

std::optional<MessageParts> split_message(std::string_view text) {
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd)) return std::nullopt;
  text.remove_prefix(kBegin.size());
  text.remove_suffix(kEnd.size());
  const std::size_t middle = text.find(kMiddle);
  if (middle == std::string_view::npos) return std::nullopt;
  return MessageParts{text.substr(0, middle), text.substr(middle + kMiddle.size())};
}

boost::system::result<Message, JsonError> message_from_json(Json value) {
  if (!value.is_object()) return JsonError{"message"};
  Message message;
  for (const auto& [key, member] : value.items()) {
    if (key == "message" && member.is_string()) {
      message.type = std::move(member.get_ref<std::string&>());
    } else if (key == "payload") {
      message.payload = std::move(member);
    } else {
      return JsonError{key};
    }
  }
  if (message.type.empty()) return JsonError{"message"};
  return message;
}

}  // namespace nsenterd::wire
