// Payloads of responses as values (client's side). Each is nothing where the payload is malformed.
#pragma once

#include <optional>
#include <string>

#include "wire/fields.hpp"

namespace nsenterd::client {

/// An object with the fields that describe() names, or a list of them; null is an empty list.
template <class T>
std::optional<T> decode(const wire::Json& payload) {
  std::optional<std::string> bad_field;
  T decoded;
  wire::Decoder(payload, bad_field).read(decoded);
  if (bad_field) return std::nullopt;
  return decoded;
}

}  // namespace nsenterd::client
