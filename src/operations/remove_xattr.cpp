// RemovexattrSyscallRequest: removexattr(2) or lremovexattr(2) (agent).
#include <sys/xattr.h>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct RemoveXattrRequest {
  bool no_follow = false;
  std::string path;
  std::string name;
};

template <class Fields, wire::Describes<RemoveXattrRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.word("syscall", request.no_follow, "removexattr", "lremovexattr");
  fields.path("path", request.path);
  fields.text("name", request.name);
}

struct RemoveXattr {
  using Request = RemoveXattrRequest;
  using Response = Text;

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    const auto call = request.no_follow ? ::lremovexattr : ::removexattr;
    if (call(request.path.c_str(), request.name.c_str()) != 0) {
      return path_error(request.no_follow ? "lremovexattr" : "removexattr", request.path);
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kRemoveXattr;
const Operation kRemoveXattr =
    make_operation<RemoveXattr>("RemovexattrSyscallRequest", "RemovexattrSyscallResponse");

}  // namespace nsenterd::operations
