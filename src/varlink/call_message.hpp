// A Varlink call as it travels: https://varlink.org/Method-Call (daemon, and test servers).
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/json.hpp"

namespace nsenterd::varlink {

using wire::Json;

struct CallMessage {
  /// Such as "io.nsenterd.SendRequest".
  std::string method;
  /// An object.
  Json parameters = Json::object();
  bool more = false;
  bool oneway = false;
  bool upgrade = false;
};

/// What makes a text no call: the key that is wrong, or "message" for the text as a whole. Both may be a
/// client's own words.
struct BadCall {
  std::string key;
};
[[noreturn]] void throw_exception_from_error(const BadCall& error, const boost::source_location& where);

/// Decodes the text of one call, without its NUL. `max_depth` is that of Limits.
boost::system::result<CallMessage, BadCall> decode_call(std::string_view text,
                                                        std::size_t max_depth = wire::kMaxDepth);

/// The texts of replies, with their NUL. `parameters` is a JSON object; that of an answer, which may be long, as text.
std::string encode_reply(std::string_view parameters, bool continues);
std::string encode_error(std::string_view name, const Json& parameters);

}  // namespace nsenterd::varlink
