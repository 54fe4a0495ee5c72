// writeFileRequest: all of the bytes given, to a file that exists, at an offset, on behalf of the caller if there is a header (agent).
#include <limits>
#include <optional>
#include <string_view>

#include "operations/operation.hpp"
#include "operations/personality.hpp"

namespace nsenterd::operations {
namespace {

struct WriteFileRequest {
  std::string file;
  std::int64_t offset = 0;
  std::string data;
  bool mount_sysfs = false;
  bool mount_procfs = false;
  std::optional<Personality> header;
};

template <class Fields, wire::Describes<WriteFileRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.path("file", request.file);
  fields.integer("offset", request.offset, std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
  fields.bytes("data", request.data);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
  fields.optional_object("header", request.header);
}

struct WriteFile {
  using Request = WriteFileRequest;
  using Response = Nothing;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.file, request.mount_procfs, request.mount_sysfs);
  }

  static bool takes_personality(const Request& request) { return request.header.has_value(); }

  static Result<Response> run(const Request& request, const Context& context) {
    if (auto taken = take_personality(request.header, context); !taken) return taken.error();
    const UniqueFd file = context.place.open(request.file, O_WRONLY);
    if (!file) return path_error("open", request.file);
    std::int64_t offset = request.offset;
    for (std::string_view left = request.data; !left.empty();) {
      const ssize_t written = ::pwrite(file.get(), left.data(), left.size(), offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return path_error("write", request.file);
      if (written == 0) return path_error("write", request.file, EIO);
      left.remove_prefix(static_cast<std::size_t>(written));
      offset += written;
    }
    return Nothing{};
  }
};

}  // namespace

extern const Operation kWriteFile;
const Operation kWriteFile = make_operation<WriteFile>("writeFileRequest", "writeFileResponse");

}  // namespace nsenterd::operations
