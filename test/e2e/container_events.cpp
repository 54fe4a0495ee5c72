#include "container_events.hpp"

#include "wire/base64.hpp"

namespace nsenterd::test {
namespace {

/// "lookupResponse" for "lookupRequest".
std::string response_type(const Json& message) {
  auto type = message["message"].get<std::string>();
  return type.replace(type.rfind("Request"), std::string::npos, "Response");
}

}  // namespace

Json ContainerEvents::response(const Json& message, const Json& parameters) {
  const Json reply = client.request(pid(), message, parameters);
  INFO(message.dump() << " brings " << reply.dump());
  REQUIRE(reply.contains("parameters"));
  REQUIRE(reply["parameters"].contains("response"));
  return reply["parameters"]["response"];
}

Json ContainerEvents::payload(const Json& message, const Json& parameters) {
  Json answer = response(message, parameters);
  INFO(message.dump() << " brings " << answer.dump());
  REQUIRE(answer["message"] == response_type(message));
  return answer["payload"];
}

int ContainerEvents::error(const Json& message, const Json& parameters) {
  const Json answer = response(message, parameters);
  if (answer["message"] == response_type(message)) return 0;
  INFO(message.dump() << " brings " << answer.dump());
  CHECK(answer["message"] == "errorResponse");
  CHECK_FALSE(answer["payload"]["message"].get<std::string>().empty());
  check_nothing_left();
  return answer["payload"]["code"].get<int>();
}

std::string ContainerEvents::blamed(const Json& message, std::string_view number) {
  const Json parameters{{"pid", pid()}, {"namespace", kContainerNamespaces}, {"request", message}};
  std::string call = Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0';
  const std::string placeholder = '"' + std::string(kNumber) + '"';
  call.replace(call.find(placeholder), placeholder.size(), number);
  client.send(call);
  const auto reply = client.receive();
  REQUIRE(reply);
  return blamed_by(Json::parse(*reply));
}

std::string bytes_in(const Json& field) {
  if (field.is_null()) return {};
  const auto bytes = wire::decode_base64(field.get<std::string>());
  REQUIRE(bytes);
  return *bytes;
}

std::string base64_of(std::string_view bytes) {
  return wire::encode_base64(bytes);
}

}  // namespace nsenterd::test
