#include "operations/operation.hpp"

#include <stdexcept>

#include "wire/base64.hpp"

namespace nsenterd::operations {

void throw_exception_from_error(const InvalidPayload& error, const boost::source_location& /*where*/) {
  throw std::runtime_error("invalid payload: " + error.field);
}

void read_payload(wire::Decoder& decoder, Nothing& /*out*/) {
  if (!decoder.value().is_null()) decoder.refuse();
}

void read_payload(wire::Decoder& decoder, Text& out) {
  const auto* text = decoder.value().get_ptr<const std::string*>();
  if (text == nullptr) return decoder.refuse();
  out.text = *text;
}

void read_payload(wire::Decoder& decoder, Bytes& out) {
  if (decoder.value().is_null()) return;
  const auto* text = decoder.value().get_ptr<const std::string*>();
  if (text == nullptr) return decoder.refuse();
  auto bytes = wire::decode_base64(*text);
  if (!bytes) return decoder.refuse();
  out.bytes = std::move(*bytes);
}

Json write_payload(const Nothing& /*payload*/) {
  return nullptr;
}
Json write_payload(const Text& payload) {
  return payload.text;
}
Json write_payload(const Bytes& payload) {
  return wire::encode_base64(payload.bytes);
}

Checked<Json> check_error_response(const Json& payload) {
  return recode<ErrorResponse>(payload);
}

}  // namespace nsenterd::operations
