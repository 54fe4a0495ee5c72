// mountSyscallRequest: mount(2), several times; all of it or nothing (agent).
#include <algorithm>
#include <span>

#include <sys/mount.h>

#include "operations/mount_entry.hpp"
#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

bool is_overlay(const MountEntry& entry) {
  return entry.fstype == "overlay";
}

/// Whether mount(2) takes these flags for a mount to be made, rather than for one to be changed or moved.
bool makes_mount(std::uint64_t flags) {
  constexpr std::uint64_t kChange = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE | MS_MOVE;
  if ((flags & MS_REMOUNT) != 0) return false;
  return (flags & MS_BIND) != 0 || (flags & kChange) == 0;
}

/// Lazily: nothing may stay because something is in use.
void unmount(std::span<const MountEntry> done) {
  for (; !done.empty(); done = done.first(done.size() - 1)) {
    if (makes_mount(done.back().flags)) ::umount2(done.back().target.c_str(), MNT_DETACH);
  }
}

struct Mount {
  using Request = std::vector<MountEntry>;
  using Response = Text;

  static bool takes_personality(const Request& /*request*/) { return true; }

  /// A personality is taken once, for good: so all that is done in a list with an overlay is done by one process.
  static std::optional<std::string> fault(const Request& request) {
    if (request.empty()) return "";
    if (std::none_of(request.begin(), request.end(), is_overlay)) return std::nullopt;
    for (std::size_t i = 1; i < request.size(); ++i) {
      if (request[i].header != request[0].header) return "[" + std::to_string(i) + "].Header";
    }
    return std::nullopt;
  }

  static Result<Response> run(const Request& request, const Context& context) {
    if (std::any_of(request.begin(), request.end(), is_overlay)) {
      // The lower and upper directories are opened by who mounts: what he may not read must not show.
      if (auto taken = take_personality(request[0].header, context); !taken) return taken.error();
    }
    for (std::size_t i = 0; i < request.size(); ++i) {
      const MountEntry& entry = request[i];
      const char* const data = entry.data.empty() ? nullptr : entry.data.c_str();
      if (::mount(entry.source.c_str(), entry.target.c_str(), entry.fstype.c_str(), entry.flags, data) == 0)
        continue;
      auto error = path_error("mount", entry.target);
      unmount(std::span(request).first(i));
      return error;
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kMount;
const Operation kMount = make_operation<Mount>("mountSyscallRequest", "mountSyscallResponse");

}  // namespace nsenterd::operations
