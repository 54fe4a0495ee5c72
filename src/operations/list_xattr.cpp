// ListxattrSyscallRequest: listxattr(2) or llistxattr(2), on behalf of the caller (agent).
#include <sys/xattr.h>

#include "operations/personality.hpp"
#include "operations/xattr_value.hpp"

namespace nsenterd::operations {
namespace {

struct ListXattrRequest {
  Personality header;
  bool no_follow = false;
  std::string path;
  std::int64_t size = 0;
};

template <class Fields, wire::Describes<ListXattrRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.object("Header", request.header);
  fields.word("syscall", request.no_follow, "listxattr", "llistxattr");
  fields.path("path", request.path);
  fields.integer("size", request.size, std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
}

struct ListXattr {
  using Request = ListXattrRequest;
  using Response = XattrValue;

  static bool takes_personality(const Request& /*request*/) { return true; }

  static Result<Response> run(const Request& request, const Context& context) {
    if (auto taken = take_personality(request.header, context); !taken) return taken.error();
    const auto call = request.no_follow ? ::llistxattr : ::listxattr;
    return read_xattr(
        request.no_follow ? "llistxattr" : "listxattr", request.path, request.size,
        [&](char* buffer, std::size_t size) { return call(request.path.c_str(), buffer, size); });
  }
};

}  // namespace

extern const Operation kListXattr;
const Operation kListXattr = make_operation<ListXattr>("ListxattrSyscallRequest", "ListxattrSyscallResponse");

}  // namespace nsenterd::operations
