#include "wire/message.hpp"

#include <utility>

namespace nsenterd::wire {

std::string encode_message(const Message& message) {
  std::string text = R"({"message":)";
  append_json(text, message.type);
  text += R"(,"payload":)";
  append_json(text, message.payload);
  text += '}';
  return text;
}

boost::system::result<Message, JsonError> decode_message(std::string_view text) {
  auto value = parse_json(text);
  if (!value) return std::move(value).error();
  return message_from_json(std::move(*value));
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
