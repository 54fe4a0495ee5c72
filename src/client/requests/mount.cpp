// Requests about mounts: mount, umount, mountInfo, mountInode (client's side).
#include <optional>
#include <utility>

#include "client/decode.hpp"
#include "client/requests/encode.hpp"

namespace nsenterd::requests {
namespace {

using wire::Json;

struct Inodes {
  std::vector<std::uint64_t> numbers;
};

template <class Fields, wire::Describes<Inodes> Payload>
void describe(Fields& fields, Payload& inodes) {
  fields.list("mpinodes", inodes.numbers);
}

struct Table {
  std::string text;
};

template <class Fields, wire::Describes<Table> Payload>
void describe(Fields& fields, Payload& table) {
  fields.bytes("data", table.text);
}

/// An umount has the fields of a mount, too.
Json entry_payload(const Mount::Entry& entry) {
  Json payload = Json::object();
  payload["Header"] = client::header_of(entry.personality);
  payload["source"] = entry.source;
  payload["target"] = entry.target;
  payload["fstype"] = entry.type;
  payload["flags"] = entry.flags;
  payload["data"] = entry.data;
  return payload;
}

}  // namespace

Message Mount::message() const {
  Json payload = Json::array();
  for (const Entry& entry : entries) payload.push_back(entry_payload(entry));
  return {"mountSyscallRequest", std::move(payload)};
}
ClientResult<std::monostate> Mount::decode(nsenterd::Response& response) {
  return client::done(response, "mountSyscallResponse");
}

Message Umount::message() const {
  Json payload = Json::array();
  for (const Entry& entry : entries)
    payload.push_back(entry_payload({.target = entry.target, .flags = entry.flags}));
  return {"umountSyscallRequest", std::move(payload)};
}
ClientResult<std::monostate> Umount::decode(nsenterd::Response& response) {
  return client::done(response, "umountSyscallResponse");
}

Message MountInfo::message() {
  return {"mountInfoRequest", nullptr};
}
ClientResult<std::string> MountInfo::decode(nsenterd::Response& response) {
  return client::read_payload<std::string>(response, "mountInfoResponse",
                                           [](const Json& payload) -> std::optional<std::string> {
                                             auto table = client::decode<Table>(payload);
                                             if (!table) return std::nullopt;
                                             return std::move(table->text);
                                           });
}

Message MountInode::message() const {
  Json payload = Json::object();
  payload["mountpoints"] = mountpoints;
  return {"mountInodeRequest", std::move(payload)};
}
ClientResult<std::vector<std::uint64_t>> MountInode::decode(nsenterd::Response& response) {
  using Numbers = std::vector<std::uint64_t>;
  return client::read_payload<Numbers>(response, "mountInodeResponse",
                                       [](const Json& payload) -> std::optional<Numbers> {
                                         auto inodes = client::decode<Inodes>(payload);
                                         if (!inodes) return std::nullopt;
                                         return std::move(inodes->numbers);
                                       });
}

}  // namespace nsenterd::requests
