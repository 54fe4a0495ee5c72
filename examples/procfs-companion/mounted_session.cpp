#include "mounted_session.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mount.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "operations.hpp"

namespace procfs_companion {
namespace {

/// As many as are begun before others have their turn.
constexpr int kAtOnce = 16;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

fuse_session* new_session(MountedSession* user) {
  std::string name = "procfs-companion";
  std::array<char*, 2> arguments{name.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
  fuse_session* session = ::fuse_session_new(&args, &operations(), sizeof(fuse_lowlevel_ops), user);
  // libfuse has made a copy of its own to parse.
  ::fuse_opt_free_args(&args);
  if (session == nullptr) throw std::runtime_error("libfuse cannot make a session");
  return session;
}

}  // namespace

MountedSession::MountedSession(const boost::asio::any_io_executor& executor, const Service& service,
                               std::filesystem::path mount_point)
    : executor_(executor),
      file_system_(service),
      mount_point_(std::move(mount_point)),
      session_(new_session(this)),
      waiter_(executor) {
  mount();
}

MountedSession::~MountedSession() {
  stop();
  std::free(buffer_.mem);  // NOLINT(cppcoreguidelines-no-malloc): libfuse has allocated it.
}

void MountedSession::mount() {
  nsenterd::UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!device) fail("/dev/fuse");
  // Without default_permissions: the kernel does not decide by owner and mode, which are not all that counts in a procfs.
  const std::string options =
      "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  if (::mount("procfs-companion", mount_point_.c_str(), "fuse.procfs-companion",
              MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0) {
    fail("mount " + mount_point_.native());
  }
  waiter_.assign(device.get());
  // With such a path, libfuse takes the descriptor over, and leaves the mount to us.
  if (::fuse_session_mount(session_.get(), ("/dev/fd/" + std::to_string(device.get())).c_str()) != 0) {
    waiter_.release();
    remove_mount_point(mount_point_);
    throw std::runtime_error("libfuse does not take its device");
  }
  static_cast<void>(device.release());
}

std::shared_ptr<Call> MountedSession::begin(fuse_req_t request) {
  auto call = std::make_shared<Call>(request, shared_from_this(), executor_);
  std::erase_if(calls_, [](const auto& known) { return known.expired(); });
  calls_.insert(call);
  return call;
}

void MountedSession::stop() {
  if (!waiter_.is_open()) return;
  waiter_.release();
  remove_mount_point(mount_point_);
  for (const auto& known : calls_) {
    if (const auto call = known.lock()) call->cancel();
  }
}

void MountedSession::wait() {
  waiter_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (error || !self || !self->waiter_.is_open()) return;
                       for (int i = 0; i < kAtOnce && self->receive(); ++i) continue;
                       // Somebody else may have unmounted it.
                       if (::fuse_session_exited(self->session_.get()) == 0) self->wait();
                     });
}

bool MountedSession::receive() {
  const int length = ::fuse_session_receive_buf(session_.get(), &buffer_);
  if (length <= 0) return false;
  ::fuse_session_process_buf(session_.get(), &buffer_);
  return true;
}

void remove_mount_point(const std::filesystem::path& mount_point) noexcept {
  while (::umount2(mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
  ::rmdir(mount_point.c_str());
}

}  // namespace procfs_companion
