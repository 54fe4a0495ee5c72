// Requests about owners and extended attributes: chown, setxattr, getxattr, removexattr, listxattr (client's side).
#include <optional>
#include <utility>

#include "client/decode.hpp"
#include "client/requests/encode.hpp"
#include "wire/base64.hpp"

namespace nsenterd::requests {
namespace {

using wire::Json;

struct Buffer {
  std::string bytes;
  std::size_t filled = 0;
};

template <class Fields, wire::Describes<Buffer> Payload>
void describe(Fields& fields, Payload& buffer) {
  fields.bytes("val", buffer.bytes);
  fields.integer("size", buffer.filled);
}

/// Where no bytes were asked for, the size is that of what there is.
std::optional<XattrValue> read_value(const Json& payload) {
  auto buffer = client::decode<Buffer>(payload);
  if (!buffer || (!buffer->bytes.empty() && buffer->filled > buffer->bytes.size())) return std::nullopt;
  if (!buffer->bytes.empty()) buffer->bytes.resize(buffer->filled);
  return XattrValue{std::move(buffer->bytes), buffer->filled};
}

/// The system call is "getxattr", say, or "lgetxattr", which does not follow a symbolic link.
Json attribute_payload(const std::string& path, const std::string& system_call, bool no_follow) {
  Json payload = Json::object();
  payload["syscall"] = no_follow ? 'l' + system_call : system_call;
  payload["path"] = path;
  return payload;
}

}  // namespace

Message Chown::message() const {
  Json payload = Json::array();
  for (const Entry& entry : entries) {
    Json element = Json::object();
    element["target"] = entry.path;
    element["uid"] = entry.uid ? std::int64_t{*entry.uid} : -1;
    element["gid"] = entry.gid ? std::int64_t{*entry.gid} : -1;
    payload.push_back(std::move(element));
  }
  return {"chownSyscallRequest", std::move(payload)};
}
ClientResult<std::monostate> Chown::decode(nsenterd::Response& response) {
  return client::done(response, "chownSyscallResponse");
}

Message SetXattr::message() const {
  Json payload = attribute_payload(path, "setxattr", no_follow);
  payload["name"] = name;
  payload["val"] = wire::encode_base64(value);
  payload["flags"] = flags;
  return {"setxattrSyscallRequest", std::move(payload)};
}
ClientResult<std::monostate> SetXattr::decode(nsenterd::Response& response) {
  return client::done(response, "setxattrSyscallResponse");
}

Message GetXattr::message() const {
  Json payload = attribute_payload(path, "getxattr", no_follow);
  payload["Header"] = client::header_of(personality);
  payload["name"] = name;
  payload["size"] = size;
  return {"getxattrSyscallRequest", std::move(payload)};
}
ClientResult<XattrValue> GetXattr::decode(nsenterd::Response& response) {
  return client::read_payload<XattrValue>(response, "getxattrSyscallResponse", read_value);
}

Message RemoveXattr::message() const {
  Json payload = attribute_payload(path, "removexattr", no_follow);
  payload["name"] = name;
  return {"RemovexattrSyscallRequest", std::move(payload)};
}
ClientResult<std::monostate> RemoveXattr::decode(nsenterd::Response& response) {
  return client::done(response, "RemovexattrSyscallResponse");
}

Message ListXattr::message() const {
  Json payload = attribute_payload(path, "listxattr", no_follow);
  payload["Header"] = client::header_of(personality);
  payload["size"] = size;
  return {"ListxattrSyscallRequest", std::move(payload)};
}
ClientResult<XattrValue> ListXattr::decode(nsenterd::Response& response) {
  return client::read_payload<XattrValue>(response, "ListxattrSyscallResponse", read_value);
}

}  // namespace nsenterd::requests
