// openFileRequest: whether a file may be opened with the flags given, on behalf of the caller if there is a header (agent).
#include <optional>

#include "operations/operation.hpp"
#include "operations/personality.hpp"

namespace nsenterd::operations {
namespace {

struct OpenFileRequest {
  std::string file;
  std::int32_t flags = 0;
  std::uint32_t mode = 0;
  bool mount_sysfs = false;
  bool mount_procfs = false;
  std::optional<Personality> header;
};

template <class Fields, wire::Describes<OpenFileRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.path("file", request.file);
  fields.decimal("flags", request.flags, 0);
  fields.decimal("mode", request.mode);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
  fields.optional_object("header", request.header);
}

struct OpenFile {
  using Request = OpenFileRequest;
  using Response = Nothing;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.file, request.mount_procfs, request.mount_sysfs);
  }

  static bool takes_personality(const Request& request) { return request.header.has_value(); }

  static Result<Response> run(const Request& request, const Context& context) {
    if (auto taken = take_personality(request.header, context); !taken) return taken.error();
    if (!context.place.open(request.file, request.flags, request.mode))
      return path_error("open", request.file);
    return Nothing{};
  }
};

}  // namespace

extern const Operation kOpenFile;
const Operation kOpenFile = make_operation<OpenFile>("openFileRequest", "openFileResponse");

}  // namespace nsenterd::operations
