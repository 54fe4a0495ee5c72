#include "attachment.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

namespace procfs_companion {
namespace {

namespace requests = nsenterd::requests;

constexpr std::array<const char*, 3> kPlaces{"/proc/uptime", "/proc/swaps", "/proc/sys"};
/// A container that mounts as fast as this unmounts is not to keep it busy.
constexpr int kMostUnmounted = 64;

// Of linux/mount.h, which does not go together with sys/mount.h.
constexpr unsigned kOpenTreeClone = 1;

nsenterd::UniqueFd clone_mount(const std::filesystem::path& mount_point) {
  // The path ends where the mount begins: nothing is looked up in it, which this thread would have to answer itself.
  nsenterd::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, mount_point.c_str(), kOpenTreeClone | unsigned{O_CLOEXEC})));
  if (!tree) throw std::system_error(errno, std::generic_category(), "open_tree " + mount_point.native());
  return tree;
}

}  // namespace

Attachment::Attachment(nsenterd::Client& client, std::shared_ptr<const ContainerProcess> process,
                       const std::filesystem::path& mount_point, Done done)
    : client_(client),
      process_(std::move(process)),
      done_(std::move(done)),
      tree_(clone_mount(mount_point)) {}

nsenterd::Envelope Attachment::envelope() const {
  nsenterd::Envelope envelope;
  envelope.target = nsenterd::TargetPidfd{process_->pidfd()};
  envelope.namespaces = nsenterd::Namespaces::all();
  return envelope;
}

void Attachment::unmount() {
  if (place_ == kPlaces.size() || unmounted_ == kMostUnmounted) return mount();
  client_.async_request(envelope(), requests::Umount{{{kPlaces.at(place_), MNT_DETACH | UMOUNT_NOFOLLOW}}},
                        [self = shared_from_this()](const nsenterd::ClientResult<std::monostate>& unmounted) {
                          if (unmounted) {
                            ++self->unmounted_;
                          } else if (std::holds_alternative<nsenterd::OperationFailed>(unmounted.error())) {
                            // Nothing is mounted there any more.
                            ++self->place_;
                          } else {
                            return self->done_(to_string(unmounted.error()));
                          }
                          self->unmount();
                        });
}

void Attachment::mount() {
  nsenterd::Envelope envelope = this->envelope();
  envelope.working_directory = tree_.get();
  // What is mounted nowhere can be moved, since Linux 5.2, but not bound, and a file cannot be a working directory. So all of the
  // tree is moved to where it can be bound from, and hidden there.
  const requests::Mount request{{
      {.source = ".", .target = "/proc/sys", .flags = MS_MOVE},
      {.source = "/proc/sys/proc/uptime", .target = "/proc/uptime", .flags = MS_BIND},
      {.source = "/proc/sys/proc/swaps", .target = "/proc/swaps", .flags = MS_BIND},
      {.source = "/proc/sys/proc/sys", .target = "/proc/sys", .flags = MS_BIND},
  }};
  client_.async_request(envelope, request,
                        [self = shared_from_this()](const nsenterd::ClientResult<std::monostate>& mounted) {
                          if (!mounted) return self->done_(to_string(mounted.error()));
                          self->done_(std::nullopt);
                        });
}

}  // namespace procfs_companion
