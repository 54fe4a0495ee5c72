#include "client/requests/encode.hpp"

#include <cstdint>

#include "client/decode.hpp"

namespace nsenterd::client {
namespace {

struct ErrorResponse {
  std::int32_t code = 0;
  std::string message;
};

template <class Fields, wire::Describes<ErrorResponse> Payload>
void describe(Fields& fields, Payload& error) {
  fields.integer("code", error.code);
  fields.text("message", error.message);
}

}  // namespace

ClientResult<wire::Json> payload_of(Response& response, std::string_view type) {
  Message& message = response.message;
  if (message.type == type) return {boost::system::in_place_value, std::move(message.payload)};
  if (message.type != "errorResponse") return malformed_reply();
  auto error = decode<ErrorResponse>(message.payload);
  if (!error) return malformed_reply();
  return OperationFailed{error->code, std::move(error->message)};
}

ClientResult<std::monostate> done(Response& response, std::string_view type) {
  const auto payload = payload_of(response, type);
  if (!payload) return payload.error();
  return std::monostate{};
}

wire::Json header_of(const requests::Personality& personality) {
  wire::Json header = wire::Json::object();
  header["root"] = personality.root;
  header["cwd"] = personality.cwd;
  header["capabilities"] =
      wire::Json::array({personality.capabilities & 0xFFFFFFFFU, personality.capabilities >> 32U});
  return header;
}

wire::Json file_payload(const char* path_field, const std::string& path,
                        const requests::PrivateMounts& mounts) {
  wire::Json payload = wire::Json::object();
  payload[path_field] = path;
  payload["MountProcfs"] = mounts.procfs;
  payload["MountSysfs"] = mounts.sysfs;
  return payload;
}

}  // namespace nsenterd::client
