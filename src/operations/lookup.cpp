// lookupRequest: the file information of a path, symbolic links not followed (agent).
#include "operations/file_info.hpp"

namespace nsenterd::operations {
namespace {

struct LookupRequest {
  std::string entry;
  bool mount_sysfs = false;
  bool mount_procfs = false;
};

template <class Fields, wire::Describes<LookupRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.path("entry", request.entry);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
}

std::string last_component(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  if (end == std::string::npos) return path.empty() ? "." : "/";
  const auto slash = path.find_last_of('/', end);
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

struct Lookup {
  using Request = LookupRequest;
  using Response = FileInfo;

  static constexpr bool kOnlyReads = true;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.entry, request.mount_procfs, request.mount_sysfs);
  }

  static Result<Response> run(const Request& request, const Context& context) {
    struct stat status {};
    const UniqueFd file = context.place.open_itself(request.entry);
    if (!file || ::fstat(file.get(), &status) != 0) return path_error("lstat", request.entry);
    return make_file_info(last_component(request.entry), status);
  }
};

}  // namespace

extern const Operation kLookup;
const Operation kLookup = make_operation<Lookup>("lookupRequest", "lookupResponse");

}  // namespace nsenterd::operations
