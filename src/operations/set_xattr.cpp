// setxattrSyscallRequest: setxattr(2) or lsetxattr(2) (agent).
#include <sys/xattr.h>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct SetXattrRequest {
  bool no_follow = false;
  std::string path;
  std::string name;
  std::string val;
  std::int32_t flags = 0;
};

template <class Fields, wire::Describes<SetXattrRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.word("syscall", request.no_follow, "setxattr", "lsetxattr");
  fields.path("path", request.path);
  fields.text("name", request.name);
  fields.bytes("val", request.val);
  fields.integer("flags", request.flags);
}

struct SetXattr {
  using Request = SetXattrRequest;
  using Response = Text;

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    const auto call = request.no_follow ? ::lsetxattr : ::setxattr;
    if (call(request.path.c_str(), request.name.c_str(), request.val.data(), request.val.size(),
             request.flags) != 0) {
      return path_error(request.no_follow ? "lsetxattr" : "setxattr", request.path);
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kSetXattr;
const Operation kSetXattr = make_operation<SetXattr>("setxattrSyscallRequest", "setxattrSyscallResponse");

}  // namespace nsenterd::operations
