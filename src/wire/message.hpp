// The message envelope as text (both sides).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nsenterd/message.hpp>

#include "wire/json.hpp"

namespace nsenterd::wire {

/// `{"message":TYPE,"payload":PAYLOAD}` of a payload that is JSON text already. `type` is one of our own.
std::string join_message(std::string_view type, std::string payload);

struct MessageParts {
  std::string_view type;
  std::string_view payload;
};

/// The mirror of join_message, of exactly what that writes: what stands in the payload's place is not looked at. The
/// parts are views of `text`.
std::optional<MessageParts> split_message(std::string_view text);

/// A message from a JSON value of anybody's. An absent payload is null. The error's reason is the key that is missing,
/// wrong or unknown.
boost::system::result<Message, JsonError> message_from_json(Json value);

}  // namespace nsenterd::wire
