// The message envelope as text (both sides).
#pragma once

#include <string>
#include <string_view>

#include <nsenterd/message.hpp>

#include "wire/json.hpp"

namespace nsenterd::wire {

/// `{"message": TYPE, "payload": ...}`, without a line end.
std::string encode_message(const Message& message);

/// The mirror of encode_message. An absent payload is null. Other keys are an error.
boost::system::result<Message, JsonError> decode_message(std::string_view text);

/// As decode_message, from a value that has been parsed. The error's reason is the key that is missing, wrong
/// or unknown.
boost::system::result<Message, JsonError> message_from_json(Json value);

}  // namespace nsenterd::wire
