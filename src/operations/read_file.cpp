// readFileRequest: up to len bytes of a file from an offset on, on behalf of the caller if there is a header (agent).
#include <limits>
#include <optional>

#include "operations/operation.hpp"
#include "operations/personality.hpp"
#include "operations/read_up_to.hpp"

namespace nsenterd::operations {
namespace {

struct ReadFileRequest {
  std::string file;
  std::int64_t offset = 0;
  std::int64_t len = 0;
  bool mount_sysfs = false;
  bool mount_procfs = false;
  std::optional<Personality> header;
};

template <class Fields, wire::Describes<ReadFileRequest> Payload>
void describe(Fields& fields, Payload& request) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  fields.path("file", request.file);
  fields.integer("offset", request.offset, std::int64_t{0}, kMax);
  fields.integer("len", request.len, std::int64_t{0}, kMax);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
  fields.optional_object("header", request.header);
}

struct ReadFile {
  using Request = ReadFileRequest;
  using Response = Bytes;

  static constexpr bool kOnlyReads = true;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.file, request.mount_procfs, request.mount_sysfs);
  }

  static bool takes_personality(const Request& request) { return request.header.has_value(); }

  static Result<Response> run(const Request& request, const Context& context) {
    if (request.len > kMaxBytes) return path_error("read", request.file, EINVAL);
    if (auto taken = take_personality(request.header, context); !taken) return taken.error();
    const UniqueFd file = context.place.open(request.file, O_RDONLY);
    if (!file) return path_error("open", request.file);
    Bytes content;
    if (!read_up_to(file.get(), request.offset, static_cast<std::size_t>(request.len), content.bytes)) {
      return path_error("read", request.file);
    }
    return content;
  }
};

}  // namespace

extern const Operation kReadFile;
const Operation kReadFile = make_operation<ReadFile>("readFileRequest", "readFileResponse");

}  // namespace nsenterd::operations
