// What a message type is made of. The check runs in the daemon, before anything is forked; the run in the
// agent, inside the container.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nsenterd/unique_fd.hpp>

#include "operations/context.hpp"
#include "operations/error_response.hpp"
#include "operations/payload.hpp"
#include "wire/fields.hpp"
#include "wire/text_reader.hpp"
#include "wire/text_writer.hpp"

namespace nsenterd::operations {

using wire::Json;

/// The most bytes that one message carries of a file's contents or of an attribute.
inline constexpr std::int64_t kMaxBytes = 8 << 20;

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
  /// The payload, as a TextWriter writes it.
  std::string payload;
  PrivateMountNeeds needs;
  /// Whether it acts with the caller's ids, which changes the process that runs it for good.
  bool takes_personality = false;
};

/// What an operation answers with: its response's payload, and the descriptor that goes with it, if any.
struct Success {
  std::string payload;
  UniqueFd descriptor;
};
using Answer = boost::system::result<Success, ErrorResponse>;

/// One message type: a request, its response, and what happens in between.
struct Operation {
  /// Such as "readFileRequest".
  const char* request;
  /// Such as "readFileResponse".
  const char* response;
  /// Whether it changes nothing outside of its process, so that it may be run before it is known that the answer will be of use.
  bool only_reads;
  /// Whether a descriptor goes with the response.
  bool answers_with_descriptor;
  Checked<CheckedRequest> (*check)(const Json& payload);
  /// `payload` is what check() has written.
  Answer (*run)(std::string_view payload, const Context& context);
  /// Whether the text is a payload of the response, as a TextWriter writes it: the daemon passes on only what it
  /// understands.
  bool (*is_response)(std::string_view payload);
};

/// As Operation::is_response, for the response that every operation may give.
bool is_error_response(std::string_view payload);

template <class T>
std::string write_payload(const T& payload) {
  std::string text;
  wire::TextWriter writer(text);
  read_payload(writer, payload);
  return text;
}

/// Whether the text is a T.
template <class T>
bool is_payload(std::string_view text) {
  wire::TextReader reader(text);
  T payload;
  check_payload(reader, payload);
  return reader.done();
}

/// An operation's type has Request, Response and `static Result<Response> run(const Request&, const Context&)`; if its
/// paths may be below a private mount, `static PrivateMountNeeds needs(const Request&)`; if it may act with the caller's
/// ids, `static bool takes_personality(const Request&)`; if it changes nothing, `static constexpr bool kOnlyReads = true`;
/// and if some requests are wrong although each of their fields is right,
/// `static std::optional<std::string> fault(const Request&)`, which names a field.
template <class T>
struct OperationOf {
  using Request = typename T::Request;
  using Response = typename T::Response;

  static Checked<CheckedRequest> check(const Json& payload) {
    std::optional<std::string> bad_field;
    wire::Decoder decoder(payload, bad_field);
    Request request;
    read_payload(decoder, request);
    if constexpr (requires { T::fault(request); }) {
      if (!bad_field) bad_field = T::fault(request);
    }
    if (bad_field) return InvalidPayload{std::move(*bad_field)};
    return CheckedRequest{write_payload(request), needs_of(request), takes_personality(request)};
  }

  static Answer run(std::string_view payload, const Context& context) {
    wire::TextReader reader(payload);
    Request request;
    read_payload(reader, request);
    if (!reader.done()) return plain_error(EINVAL, "payload");
    Context own = context;
    own.place = context.place.limited_to(needs_of(request));
    if (takes_personality(request)) own.place.refuse_magic_links();
    auto response = T::run(request, own);
    if (!response) return response.error();
    Success success;
    success.payload = write_payload(*response);
    if constexpr (requires { response->file; }) success.descriptor = std::move(response->file);
    return success;
  }

 private:
  static PrivateMountNeeds needs_of(const Request& request) {
    if constexpr (requires { T::needs(request); }) return T::needs(request);
    return {};
  }
  static bool takes_personality(const Request& request) {
    if constexpr (requires { T::takes_personality(request); }) return T::takes_personality(request);
    return false;
  }
};

template <class T>
constexpr Operation make_operation(const char* request_type, const char* response_type) {
  using Of = OperationOf<T>;
  bool only_reads = false;
  if constexpr (requires { T::kOnlyReads; }) only_reads = T::kOnlyReads;
  return {.request = request_type,
          .response = response_type,
          .only_reads = only_reads,
          .answers_with_descriptor = requires(typename T::Response response){response.file;
}
, .check = Of::check, .run = Of::run, .is_response = is_payload<typename T::Response>
};  // namespace nsenterd::operations
}

}  // namespace nsenterd::operations
