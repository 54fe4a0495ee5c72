// A Varlink call and its reply as text (client side).
#pragma once

#include <string>
#include <string_view>

#include "client/connection.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::client {

using ReplyDescriptors = wire::ReceivedDescriptors<kMaxDescriptors>;

/// The call with the NUL that ends it.
std::string encode_call(std::string_view method, const wire::Json& parameters, bool more);

/// What a reply without its NUL says: an answer, which takes the descriptors if it is the last, or a VarlinkError,
/// or, where it is none that fits the call, TransportFailure with EBADMSG.
Result<Reply> decode_reply(std::string_view text, ReplyDescriptors& descriptors, bool more);

}  // namespace nsenterd::client
