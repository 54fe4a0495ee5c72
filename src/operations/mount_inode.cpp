// mountInodeRequest: the inode number at each of a list of mountpoints (agent).
#include <sys/stat.h>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct MountInodeRequest {
  std::vector<std::string> mountpoints;
};

template <class Fields, wire::Describes<MountInodeRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.list("mountpoints", request.mountpoints);
}

struct MountInodeResponse {
  std::vector<std::uint64_t> inodes;
};

template <class Fields, wire::Describes<MountInodeResponse> Payload>
void describe(Fields& fields, Payload& response) {
  fields.list("mpinodes", response.inodes);
}

struct MountInode {
  using Request = MountInodeRequest;
  using Response = MountInodeResponse;

  static constexpr bool kOnlyReads = true;

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    Response response;
    response.inodes.reserve(request.mountpoints.size());
    for (const std::string& mountpoint : request.mountpoints) {
      struct stat status {};
      const bool found = ::stat(mountpoint.c_str(), &status) == 0;
      response.inodes.push_back(found ? status.st_ino : 0);
    }
    return response;
  }
};

}  // namespace

extern const Operation kMountInode;
const Operation kMountInode = make_operation<MountInode>("mountInodeRequest", "mountInodeResponse");

}  // namespace nsenterd::operations
