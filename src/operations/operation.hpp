// What a message type is made of. The check runs in the daemon, before anything is forked; the run in the
// agent, inside the container.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/unique_fd.hpp"
#include "operations/error_response.hpp"
#include "operations/place.hpp"
#include "wire/fields.hpp"

namespace nsenterd::operations {

using wire::Json;

/// A payload that lacks a field or has a wrong one. The field is a path such as "[0].target"; empty for the
/// payload as a whole.
struct InvalidPayload {
  std::string field;
};
[[noreturn]] void throw_exception_from_error(const InvalidPayload& error,
                                             const boost::source_location& where);

template <class T>
using Checked = boost::system::result<T, InvalidPayload>;

/// A request that has been checked, as it goes to the agent: without the fields that nobody knows.
struct CheckedRequest {
  Json payload;
  PrivateMountNeeds needs;
};

/// What an operation answers with: its response's payload or why there is none.
using Answer = boost::system::result<Json, ErrorResponse>;

/// One message type: a request, its response, and what happens in between.
struct Operation {
  /// Such as "readFileRequest".
  const char* request;
  /// Such as "readFileResponse".
  const char* response;
  Checked<CheckedRequest> (*check)(const Json& payload);
  /// `payload` is one that check() has let pass.
  Answer (*run)(const Json& payload, const Place& place);
  /// Decodes and encodes again what an agent answered: the daemon passes on only what it understands.
  Checked<Json> (*check_response)(const Json& payload);
};

// How payloads become JSON: a structure by its describe(), a list element by element, and these.

/// A payload that is null.
struct Nothing {};
/// A payload that is a string.
struct Text {
  std::string text;
};
/// A payload that is bytes in base64.
struct Bytes {
  std::string bytes;
};

void read_payload(wire::Decoder& decoder, Nothing& out);
void read_payload(wire::Decoder& decoder, Text& out);
void read_payload(wire::Decoder& decoder, Bytes& out);
Json write_payload(const Nothing& payload);
Json write_payload(const Text& payload);
Json write_payload(const Bytes& payload);

template <class T>
void read_payload(wire::Decoder& decoder, T& out) {
  decoder.read(out);
}
template <class T>
Json write_payload(const T& payload) {
  wire::Encoder encoder;
  encoder.write(payload);
  return std::move(encoder.value);
}

template <class T>
Checked<T> decode_payload(const Json& payload) {
  std::optional<std::string> bad_field;
  wire::Decoder decoder(payload, bad_field);
  T decoded{};
  read_payload(decoder, decoded);
  if (bad_field) return InvalidPayload{std::move(*bad_field)};
  return decoded;
}

/// Decodes a payload and encodes it again, which leaves out what nobody knows.
template <class T>
Checked<Json> recode(const Json& payload) {
  auto decoded = decode_payload<T>(payload);
  if (!decoded) return decoded.error();
  return {boost::system::in_place_value, write_payload(*decoded)};
}

/// As Operation::check_response, for the response that every operation may give.
Checked<Json> check_error_response(const Json& payload);

/// An operation's type has Request, Response and `static Result<Response> run(const Request&, const Place&)`,
/// and, if its paths may be below a private mount, `static PrivateMountNeeds needs(const Request&)`.
template <class T>
constexpr Operation make_operation(const char* request_type, const char* response_type) {
  return {
      .request = request_type,
      .response = response_type,
      .check = [](const Json& payload) -> Checked<CheckedRequest> {
        auto decoded = decode_payload<typename T::Request>(payload);
        if (!decoded) return decoded.error();
        PrivateMountNeeds needs;
        if constexpr (requires { T::needs(*decoded); }) needs = T::needs(*decoded);
        return CheckedRequest{write_payload(*decoded), needs};
      },
      .run = [](const Json& payload, const Place& place) -> Answer {
        auto decoded = decode_payload<typename T::Request>(payload);
        if (!decoded) return plain_error(EINVAL, "payload");
        auto result = T::run(*decoded, place);
        if (!result) return result.error();
        return {boost::system::in_place_value, write_payload(*result)};
      },
      .check_response = [](const Json& payload) -> Checked<Json> {
        return recode<typename T::Response>(payload);
      },
  };
}

}  // namespace nsenterd::operations
