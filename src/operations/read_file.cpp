// readFileRequest: up to len bytes of a file from an offset on (agent).
#include <algorithm>
#include <limits>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

constexpr std::int64_t kMaxLength = 8 << 20;
// Most of what is read is a line or a page of procfs; more is asked for only when that has been filled.
constexpr std::size_t kFirstChunk = 4096;

struct ReadFileRequest {
  std::string file;
  std::int64_t offset = 0;
  std::int64_t len = 0;
  bool mount_sysfs = false;
  bool mount_procfs = false;
};

template <class Fields, wire::Describes<ReadFileRequest> Payload>
void describe(Fields& fields, Payload& request) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  fields.path("file", request.file);
  fields.integer("offset", request.offset, std::int64_t{0}, kMax);
  fields.integer("len", request.len, std::int64_t{0}, kMax);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
}

struct ReadFile {
  using Request = ReadFileRequest;
  using Response = Bytes;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.file, request.mount_procfs, request.mount_sysfs);
  }

  static Result<Response> run(const Request& request, const Place& place) {
    if (request.len > kMaxLength) return path_error("read", request.file, EINVAL);
    const base::UniqueFd file = place.open(request.file, O_RDONLY);
    if (!file) return path_error("open", request.file);
    Bytes content;
    const auto wanted = static_cast<std::size_t>(request.len);
    std::size_t filled = 0;
    while (filled < wanted) {
      const std::size_t chunk = std::min(wanted - filled, std::max(kFirstChunk, filled));
      content.bytes.resize(filled + chunk);
      const ssize_t got = ::pread(file.get(), content.bytes.data() + filled, chunk,
                                  request.offset + static_cast<std::int64_t>(filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return path_error("read", request.file);
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    content.bytes.resize(filled);
    return content;
  }
};

}  // namespace

extern const Operation kReadFile;
const Operation kReadFile = make_operation<ReadFile>("readFileRequest", "readFileResponse");

}  // namespace nsenterd::operations
