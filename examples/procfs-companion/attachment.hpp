// Puts a container's tree over its /proc, from outside, when what its runtime has mounted there is dead. (Companion.)
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nsenterd/client.hpp>
#include <nsenterd/unique_fd.hpp>

#include "container_process.hpp"

namespace procfs_companion {

class Attachment : public std::enable_shared_from_this<Attachment> {
 public:
  /// What is wrong, or nothing.
  using Done = std::function<void(std::optional<std::string> problem)>;

  /// Of the tree that is mounted at `mount_point`. Throws std::system_error. The client has to outlive it.
  Attachment(nsenterd::Client& client, std::shared_ptr<const ContainerProcess> process,
             const std::filesystem::path& mount_point, Done done);

  /// Unmounts whatever is mounted over /proc/uptime, /proc/swaps and /proc/sys in the container, and mounts the tree's there. It keeps
  /// itself until that is done.
  void start() { unmount(); }

 private:
  [[nodiscard]] nsenterd::Envelope envelope() const;
  void unmount();
  void mount();

  nsenterd::Client& client_;
  std::shared_ptr<const ContainerProcess> process_;
  Done done_;
  /// A copy of the mount, which is nowhere yet.
  nsenterd::UniqueFd tree_;
  /// Which place is unmounted next, and how often something has been unmounted.
  std::size_t place_ = 0;
  int unmounted_ = 0;
};

}  // namespace procfs_companion
