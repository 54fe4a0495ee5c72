// Requests about users and groups: uidInfo, gidInfo (client's side).
#include <optional>
#include <utility>

#include "client/decode.hpp"
#include "client/requests/encode.hpp"

namespace nsenterd::requests {
namespace {

using wire::Json;

struct User {
  uid_t id = 0;
};

template <class Fields, wire::Describes<User> Payload>
void describe(Fields& fields, Payload& user) {
  fields.decimal("uid", user.id);
}

struct Group {
  gid_t id = 0;
};

template <class Fields, wire::Describes<Group> Payload>
void describe(Fields& fields, Payload& group) {
  fields.decimal("gid", group.id);
}

template <class Account>
std::optional<std::uint32_t> read_id(const Json& payload) {
  const auto account = client::decode<Account>(payload);
  return account ? std::optional(account->id) : std::nullopt;
}

}  // namespace

Message UidInfo::message() const {
  Json payload = Json::object();
  payload["user"] = user;
  return {"uidInfoRequest", std::move(payload)};
}
ClientResult<uid_t> UidInfo::decode(nsenterd::Response& response) {
  return client::read_payload<uid_t>(response, "uidInfoResponse", read_id<User>);
}

Message GidInfo::message() const {
  Json payload = Json::object();
  payload["group"] = group;
  return {"gidInfoRequest", std::move(payload)};
}
ClientResult<gid_t> GidInfo::decode(nsenterd::Response& response) {
  return client::read_payload<gid_t>(response, "gidInfoResponse", read_id<Group>);
}

}  // namespace nsenterd::requests
