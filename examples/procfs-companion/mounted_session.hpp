// A mount that is served: libfuse's session, on Asio's event loop. (Companion.)
#pragma once

#include <filesystem>
#include <memory>
#include <set>

#include <fuse_lowlevel.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "call.hpp"
#include "file_system.hpp"

namespace procfs_companion {

/// Is kept by its calls as well, until they have been answered.
class MountedSession : public std::enable_shared_from_this<MountedSession> {
 public:
  /// Mounts a container's tree over a directory, which is there. Throws std::system_error or std::runtime_error.
  MountedSession(const boost::asio::any_io_executor& executor, const Service& service,
                 std::filesystem::path mount_point);
  MountedSession(const MountedSession&) = delete;
  MountedSession& operator=(const MountedSession&) = delete;
  ~MountedSession();

  /// Serves until stop().
  void start() { wait(); }
  /// Takes the mount off its directory, and has the calls under way cancelled. Copies of the mount, as in a container, are dead when
  /// the last of these has been answered.
  void stop();

  [[nodiscard]] FileSystem& file_system() noexcept { return file_system_; }
  /// The call of a request that has come.
  [[nodiscard]] std::shared_ptr<Call> begin(fuse_req_t request);

 private:
  struct DestroySession {
    void operator()(fuse_session* session) const noexcept { ::fuse_session_destroy(session); }
  };
  void mount();
  void wait();
  /// Whether there was a request.
  [[nodiscard]] bool receive();

  boost::asio::any_io_executor executor_;
  FileSystem file_system_;
  std::filesystem::path mount_point_;
  std::unique_ptr<fuse_session, DestroySession> session_;
  /// The session's descriptor, for Asio to wait for.
  boost::asio::posix::stream_descriptor waiter_;
  fuse_buf buffer_{};
  std::set<std::weak_ptr<Call>, std::owner_less<>> calls_;
};

/// Takes whatever is mounted over a directory off it, and removes it; a mount whose server is dead as well.
void remove_mount_point(const std::filesystem::path& mount_point) noexcept;

}  // namespace procfs_companion
