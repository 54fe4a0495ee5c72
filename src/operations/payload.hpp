// Payloads that are no objects, and how every payload is read and written: `fields` is a wire::Decoder, a wire::TextReader
// or a wire::TextWriter. (Daemon and agent.)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nsenterd/unique_fd.hpp>

#include "wire/fields.hpp"

namespace nsenterd::operations {

using wire::Describes;

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
/// A file that travels beside the message. The payload says nothing of it: whoever passes it on says where it is
/// (opened_file_payload).
struct OpenedFile {
  UniqueFd file;
};

template <class Fields, Describes<Nothing> Payload>
void read_payload(Fields& fields, Payload& /*payload*/) {
  fields.null();
}
template <class Fields, Describes<Text> Payload>
void read_payload(Fields& fields, Payload& payload) {
  fields.string(payload.text);
}
template <class Fields, Describes<Bytes> Payload>
void read_payload(Fields& fields, Payload& payload) {
  fields.base64(payload.bytes);
}
template <class Fields, Describes<OpenedFile> Payload>
void read_payload(Fields& fields, Payload& /*payload*/) {
  fields.null();
}
/// Any other payload is an object, by its describe(), or a list of such.
template <class Fields, class Payload>
void read_payload(Fields& fields, Payload& payload) {
  fields.read(payload);
}

/// As read_payload; of a list, however long, no more than one element is kept, and of bytes none.
template <class Fields, class Payload>
void check_payload(Fields& fields, Payload& payload) {
  read_payload(fields, payload);
}
template <class Fields>
void check_payload(Fields& fields, Bytes& /*payload*/) {
  fields.check_base64();
}
template <class Fields, class Element>
void check_payload(Fields& fields, std::vector<Element>& list) {
  fields.check(list);
}

/// What a message says of the descriptor that goes with it: its number, or its index among those sent along.
inline wire::Json opened_file_payload(int descriptor) {
  return {{"fd", descriptor}};
}

}  // namespace nsenterd::operations
