// A Varlink call and its reply as text (client side).
#pragma once

#include <string>
#include <string_view>

#include "client/connection.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::client {

/// As many as the daemon sends with one message at most.
using ReplyDescriptors = wire::ReceivedDescriptors<16>;

/// The call with the NUL that ends it.
std::string encode_call(std::string_view method, const wire::Json& parameters);

/// What a reply without its NUL says: an answer, which takes the descriptors, or a VarlinkError, or, where it
/// is none that fits a call without "more", TransportFailure with EBADMSG.
Result<Reply> decode_reply(std::string_view text, ReplyDescriptors& descriptors);

}  // namespace nsenterd::client
