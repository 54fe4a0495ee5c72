// What the messages of requests have in common, and how their responses are read (client's side).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nsenterd/requests.hpp>

#include "client/event_call.hpp"
#include "wire/json.hpp"

namespace nsenterd::client {

/// The payload of a response of that type, or why there is none.
ClientResult<wire::Json> payload_of(Response& response, std::string_view type);

/// Of a response that says nothing but that it was done.
ClientResult<std::monostate> done(Response& response, std::string_view type);

/// What `read` makes of the payload; nothing if that is malformed.
template <class T, class Read>
ClientResult<T> read_payload(Response& response, std::string_view type, Read read) {
  auto payload = payload_of(response, type);
  if (!payload) return payload.error();
  std::optional<T> value = read(*payload);
  if (!value) return malformed_reply();
  return std::move(*value);
}

wire::Json header_of(const requests::Personality& personality);

/// A payload of a request about one file: its path, and where that is looked up.
wire::Json file_payload(const char* path_field, const std::string& path,
                        const requests::PrivateMounts& mounts);

}  // namespace nsenterd::client
