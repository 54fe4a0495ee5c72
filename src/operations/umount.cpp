// umountSyscallRequest: umount2(2), several times, up to the first that fails (agent).
#include <limits>

#include <sys/mount.h>

#include "operations/mount_entry.hpp"
#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct Umount {
  using Request = std::vector<MountEntry>;
  using Response = Text;

  static std::optional<std::string> fault(const Request& request) {
    return request.empty() ? std::optional<std::string>("") : std::nullopt;
  }

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    for (const MountEntry& entry : request) {
      // umount2(2) takes an int, and refuses every flag that does not fit there.
      if (!std::in_range<int>(entry.flags)) return path_error("umount", entry.target, EINVAL);
      if (::umount2(entry.target.c_str(), static_cast<int>(entry.flags)) != 0)
        return path_error("umount", entry.target);
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kUmount;
const Operation kUmount = make_operation<Umount>("umountSyscallRequest", "umountSyscallResponse");

}  // namespace nsenterd::operations
