#include "client/reply.hpp"

#include <cerrno>
#include <utility>

namespace nsenterd::client {
namespace {

constexpr TransportFailure kMalformed{"receive", EBADMSG};

}  // namespace

std::string encode_call(std::string_view method, const wire::Json& parameters, bool more) {
  std::string text = R"({"method":)";
  wire::append_json(text, std::string(method));
  text += R"(,"parameters":)";
  wire::append_json(text, parameters);
  text += more ? R"(,"more":true})" : "}";
  text += '\0';
  return text;
}

Result<Reply> decode_reply(std::string_view text, ReplyDescriptors& descriptors, bool more) {
  auto value = wire::parse_json(text);
  if (!value || !value->is_object()) return kMalformed;
  wire::Json parameters = nullptr;
  std::string error;
  bool continues = false;
  for (const auto& [key, member] : value->items()) {
    if (key == "parameters" && (member.is_object() || member.is_null())) {
      parameters = std::move(member);
    } else if (key == "error" && member.is_string() && !member.get_ref<std::string&>().empty()) {
      error = std::move(member.get_ref<std::string&>());
    } else if (key == "continues" && member.is_boolean()) {
      continues = member.get<bool>();
    } else {
      return kMalformed;
    }
  }
  if (continues && (!more || !error.empty())) return kMalformed;
  if (parameters.is_null()) parameters = wire::Json::object();
  if (!error.empty()) return VarlinkError{std::move(error), std::move(parameters)};
  Reply reply{std::move(parameters), {}, continues};
  if (continues) return reply;
  for (std::size_t i = 0; i < descriptors.size(); ++i) reply.descriptors.push_back(descriptors.take(i));
  return reply;
}

}  // namespace nsenterd::client
