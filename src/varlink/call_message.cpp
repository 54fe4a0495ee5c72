#include "varlink/call_message.hpp"

#include <stdexcept>
#include <utility>

namespace nsenterd::varlink {

void throw_exception_from_error(const BadCall& error, const boost::source_location& /*where*/) {
  throw std::runtime_error("bad call: " + error.key);
}

boost::system::result<CallMessage, BadCall> decode_call(std::string_view text, std::size_t max_depth) {
  auto parsed = wire::parse_json(text, max_depth);
  if (!parsed || !parsed->is_object()) return BadCall{"message"};
  CallMessage call;
  for (const auto& [key, value] : parsed->items()) {
    if (key == "method" && value.is_string()) {
      call.method = std::move(value.get_ref<std::string&>());
    } else if (key == "parameters" && (value.is_object() || value.is_null())) {
      if (value.is_object()) call.parameters = std::move(value);
    } else if (key == "more" && value.is_boolean()) {
      call.more = value.get<bool>();
    } else if (key == "oneway" && value.is_boolean()) {
      call.oneway = value.get<bool>();
    } else if (key == "upgrade" && value.is_boolean()) {
      call.upgrade = value.get<bool>();
    } else {
      return BadCall{key};
    }
  }
  if (call.method.empty()) return BadCall{"method"};
  if (call.more && call.oneway) return BadCall{"oneway"};
  return call;
}

std::string encode_reply(std::string_view parameters, bool continues) {
  std::string text;
  text.reserve(parameters.size() + 40);
  text.append(R"({"parameters":)").append(parameters);
  text.append(continues ? R"(,"continues":true})" : "}").push_back('\0');
  return text;
}

std::string encode_error(std::string_view name, const Json& parameters) {
  std::string text(R"({"error":)");
  wire::append_json(text, name);
  text.append(R"(,"parameters":)");
  wire::append_json(text, parameters);
  text.append("}").push_back('\0');
  return text;
}

}  // namespace nsenterd::varlink
