// mountInfoRequest: the mounts that the agent sees (agent).
#include "operations/operation.hpp"
#include "operations/read_up_to.hpp"

namespace nsenterd::operations {
namespace {

constexpr char kFile[] = "/proc/self/mountinfo";

struct MountTable {
  std::string data;
};

template <class Fields, wire::Describes<MountTable> Payload>
void describe(Fields& fields, Payload& table) {
  fields.bytes("data", table.data);
}

struct MountInfo {
  using Request = Nothing;
  using Response = MountTable;

  static constexpr bool kOnlyReads = true;

  /// Its own, because the container's /proc may be a fake.
  static PrivateMountNeeds needs(const Request& /*request*/) { return {.procfs = true, .sysfs = false}; }

  static Result<Response> run(const Request& /*request*/, const Context& context) {
    const UniqueFd file = context.place.open(kFile, O_RDONLY);
    if (!file) return path_error("open", kFile);
    MountTable table;
    if (!read_up_to(file.get(), 0, kMaxBytes + 1, table.data)) return path_error("read", kFile);
    if (table.data.size() > kMaxBytes) return path_error("read", kFile, EFBIG);
    return table;
  }
};

}  // namespace

extern const Operation kMountInfo;
const Operation kMountInfo = make_operation<MountInfo>("mountInfoRequest", "mountInfoResponse");

}  // namespace nsenterd::operations
