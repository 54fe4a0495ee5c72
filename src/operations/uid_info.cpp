// uidInfoRequest: the id of a user of the container (agent).
#include "operations/account_file.hpp"
#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct UidInfoRequest {
  std::string user;
};

template <class Fields, wire::Describes<UidInfoRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.text("user", request.user);
}

struct UidInfoResponse {
  std::string uid;
};

template <class Fields, wire::Describes<UidInfoResponse> Payload>
void describe(Fields& fields, Payload& response) {
  fields.text("uid", response.uid);
}

struct UidInfo {
  using Request = UidInfoRequest;
  using Response = UidInfoResponse;

  static constexpr bool kOnlyReads = true;

  static Result<Response> run(const Request& request, const Context& context) {
    auto id = find_id(context, "/etc/passwd", "user", request.user);
    if (!id) return id.error();
    return Response{std::move(*id)};
  }
};

}  // namespace

extern const Operation kUidInfo;
const Operation kUidInfo = make_operation<UidInfo>("uidInfoRequest", "uidInfoResponse");

}  // namespace nsenterd::operations
