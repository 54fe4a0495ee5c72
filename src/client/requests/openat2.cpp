// The request to open a file and have it back: openat2 (client's side).
#include <optional>
#include <utility>

#include "client/decode.hpp"
#include "client/requests/encode.hpp"

namespace nsenterd::requests {
namespace {

struct OpenedFile {
  /// Its place among the descriptors of the answer.
  std::size_t index = 0;
};

template <class Fields, wire::Describes<OpenedFile> Payload>
void describe(Fields& fields, Payload& file) {
  fields.integer("fd", file.index);
}

}  // namespace

Message Openat2::message() const {
  wire::Json payload = wire::Json::object();
  payload["header"] = client::header_of(personality);
  payload["path"] = path;
  payload["flags"] = flags;
  payload["mode"] = mode;
  payload["resolve"] = resolve;
  payload["verifyfs"] = verify_fuse;
  return {"openat2SyscallRequest", std::move(payload)};
}

ClientResult<UniqueFd> Openat2::decode(nsenterd::Response& response) {
  const auto payload = client::payload_of(response, "openat2SyscallResponse");
  if (!payload) return payload.error();
  const auto file = client::decode<OpenedFile>(*payload);
  if (!file || file->index >= response.descriptors.size()) return client::malformed_reply();
  return std::move(response.descriptors[file->index]);
}

}  // namespace nsenterd::requests
