// gidInfoRequest: the id of a group of the container (agent).
#include "operations/account_file.hpp"
#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct GidInfoRequest {
  std::string group;
};

template <class Fields, wire::Describes<GidInfoRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.text("group", request.group);
}

struct GidInfoResponse {
  std::string gid;
};

template <class Fields, wire::Describes<GidInfoResponse> Payload>
void describe(Fields& fields, Payload& response) {
  fields.text("gid", response.gid);
}

struct GidInfo {
  using Request = GidInfoRequest;
  using Response = GidInfoResponse;

  static constexpr bool kOnlyReads = true;

  static Result<Response> run(const Request& request, const Context& context) {
    auto id = find_id(context, "/etc/group", "group", request.group);
    if (!id) return id.error();
    return Response{std::move(*id)};
  }
};

}  // namespace

extern const Operation kGidInfo;
const Operation kGidInfo = make_operation<GidInfo>("gidInfoRequest", "gidInfoResponse");

}  // namespace nsenterd::operations
