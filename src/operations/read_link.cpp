// readLinkRequest: where a symbolic link points to (agent).
#include <climits>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct ReadLinkRequest {
  std::string link;
  bool mount_sysfs = false;
  bool mount_procfs = false;
};

template <class Fields, wire::Describes<ReadLinkRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.path("link", request.link);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
}

struct ReadLink {
  using Request = ReadLinkRequest;
  using Response = Text;

  static constexpr bool kOnlyReads = true;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.link, request.mount_procfs, request.mount_sysfs);
  }

  static Result<Response> run(const Request& request, const Context& context) {
    const UniqueFd link = context.place.open_itself(request.link);
    if (!link) return path_error("readlink", request.link);
    // No target is longer than a path may be.
    Text target{std::string(PATH_MAX, '\0')};
    const ssize_t size = ::readlinkat(link.get(), "", target.text.data(), target.text.size());
    // readlinkat(2) of a descriptor that is no link says ENOENT, where readlink(2) says EINVAL.
    if (size < 0) return path_error("readlink", request.link, errno == ENOENT ? EINVAL : errno);
    target.text.resize(static_cast<std::size_t>(size));
    if (!wire::is_utf8(target.text)) return path_error("readlink", request.link, EILSEQ);
    return target;
  }
};

}  // namespace

extern const Operation kReadLink;
const Operation kReadLink = make_operation<ReadLink>("readLinkRequest", "readLinkResponse");

}  // namespace nsenterd::operations
