#include "daemon/send_request.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "wire/fields.hpp"
#include "wire/message.hpp"

namespace nsenterd::daemon {
namespace {

using wire::Json;

constexpr std::array<std::string_view, 15> kKnown{"pid",
                                                  "pidFileDescriptor",
                                                  "targetEvent",
                                                  "namespaceFileDescriptors",
                                                  "rootFileDescriptor",
                                                  "workingDirectoryFileDescriptor",
                                                  "uid",
                                                  "gid",
                                                  "namespace",
                                                  "cloneFlags",
                                                  "async",
                                                  "freshAgent",
                                                  "timeoutMilliseconds",
                                                  "request",
                                                  "followingRequests"};

/// -1 is no id but "leave as it is" to the kernel.
constexpr std::uint32_t kMaxId = std::numeric_limits<std::uint32_t>::max() - 1;

void decode_namespaces(wire::Decoder& decoder, Namespaces& out) {
  const auto list = decoder.value().find("namespace");
  if (decoder.failed() || list == decoder.value().end() || list->is_null()) return;
  if (!list->is_array()) return decoder.refuse("namespace");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* name = (*list)[i].get_ptr<const std::string*>();
    const auto kind = name != nullptr ? namespace_from_name(*name) : std::nullopt;
    if (!kind) return decoder.refuse("namespace[" + std::to_string(i) + "]");
    out.insert(*kind);
  }
}

void decode_namespace_descriptors(wire::Decoder& decoder, NamespaceDescriptors& out) {
  constexpr char kName[] = "namespaceFileDescriptors";
  const auto map = decoder.value().find(kName);
  if (decoder.failed() || map == decoder.value().end() || map->is_null()) return;
  if (!map->is_object()) return decoder.refuse(kName);
  for (const auto& [name, index] : map->items()) {
    const auto kind = namespace_from_name(name);
    std::optional<std::string> bad_field;
    if (kind) wire::Decoder(*map, bad_field).integer(name.c_str(), out[*kind], 0);
    if (!kind || bad_field) return decoder.refuse(std::string(kName) + '.' + name);
  }
}

void decode_optional_boolean(wire::Decoder& decoder, const char* name, bool& out) {
  const auto value = decoder.value().find(name);
  if (value != decoder.value().end() && !value->is_null()) decoder.boolean(name, out);
}

void decode_fields(wire::Decoder& decoder, SendRequestParameters& out) {
  std::optional<std::uint64_t> clone_flags;
  std::optional<std::int64_t> timeout;
  constexpr std::int64_t kDay = 86'400'000;
  decoder.optional_integer("pid", out.pid, 1);
  decoder.optional_integer("pidFileDescriptor", out.pid_descriptor);
  decode_namespace_descriptors(decoder, out.namespace_descriptors);
  decoder.optional_integer("rootFileDescriptor", out.root_descriptor);
  decoder.optional_integer("workingDirectoryFileDescriptor", out.working_directory_descriptor);
  decoder.optional_integer("uid", out.uid, 0U, kMaxId);
  decoder.optional_integer("gid", out.gid, 0U, kMaxId);
  decode_namespaces(decoder, out.namespaces);
  decoder.optional_integer("cloneFlags", clone_flags);
  decode_optional_boolean(decoder, "async", out.async);
  decode_optional_boolean(decoder, "freshAgent", out.fresh_agent);
  decoder.optional_integer("timeoutMilliseconds", timeout, std::int64_t{1}, kDay);
  out.clone_flags = clone_flags.value_or(0);
  if (timeout) out.timeout = std::chrono::milliseconds(*timeout);
  if (const auto event = decoder.value().find("targetEvent");
      event != decoder.value().end() && !event->is_null()) {
    decoder.text("targetEvent", out.target_event.emplace());
  }
  const std::array given{out.pid.has_value(), out.pid_descriptor.has_value(), out.target_event.has_value()};
  const auto targets = std::count(given.begin(), given.end(), true);
  if (targets == 0 && out.namespace_descriptors.kinds().empty()) decoder.refuse("pid");
  if (targets > 1) decoder.refuse(out.pid_descriptor ? "pidFileDescriptor" : "targetEvent");
}

/// Takes the value, which `path` leads to.
boost::system::result<Message, BadParameter> decode_message(Json& value, const std::string& path) {
  if (!value.is_object()) return BadParameter{path};
  auto message = wire::message_from_json(std::move(value));
  if (!message) return BadParameter{path + '.' + message.error().reason};
  return std::move(*message);
}

}  // namespace

void throw_exception_from_error(const BadParameter& error, const boost::source_location& /*where*/) {
  throw std::runtime_error("bad parameter: " + error.name);
}

boost::system::result<std::string, BadParameter> decode_event_name(const Json& parameters) {
  const std::string* name = nullptr;
  for (const auto& [key, value] : parameters.items()) {
    if (key != "event" || !value.is_string()) return BadParameter{key};
    name = value.get_ptr<const std::string*>();
  }
  if (name == nullptr) return BadParameter{"event"};
  return {boost::system::in_place_value, *name};
}

boost::system::result<SendRequestParameters, BadParameter> decode_send_request(Json& parameters) {
  for (const auto& [key, value] : parameters.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) return BadParameter{key};
  }
  SendRequestParameters decoded;
  std::optional<std::string> bad_field;
  wire::Decoder decoder(parameters, bad_field);
  decode_fields(decoder, decoded);
  if (bad_field) return BadParameter{std::move(*bad_field)};
  const auto request = parameters.find("request");
  if (request == parameters.end()) return BadParameter{"request"};
  auto message = decode_message(*request, "request");
  if (!message) return message.error();
  decoded.request = std::move(*message);
  const auto list = parameters.find("followingRequests");
  if (list == parameters.end() || list->is_null()) return decoded;
  if (!list->is_array()) return BadParameter{"followingRequests"};
  for (std::size_t i = 0; i < list->size(); ++i) {
    message = decode_message((*list)[i], "followingRequests[" + std::to_string(i) + "]");
    if (!message) return message.error();
    decoded.following_requests.push_back(std::move(*message));
  }
  return decoded;
}

}  // namespace nsenterd::daemon
