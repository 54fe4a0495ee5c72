// The companion: serves the containers that it is told of. (Companion.)
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>

#include <nsenterd/client.hpp>
#include <nsenterd/unique_fd.hpp>

#include "attachment.hpp"
#include "container.hpp"
#include "mounted_session.hpp"
#include "state_file.hpp"

namespace procfs_companion {

class Companion {
 public:
  /// Takes a directory over for its mounts: those of a companion that was killed are removed, and its containers that still run are
  /// served again, and have their trees attached. Throws std::system_error, also if another companion has it.
  Companion(boost::asio::any_io_executor executor, nsenterd::Client& client, std::filesystem::path root);
  /// Unmounts everything. What it serves stays written down.
  ~Companion();
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  /// Mounts the tree of a container, which need not run yet. These throw std::exception, which says what is wrong.
  void add(const std::string& name);
  /// Says which process is a container's first, once.
  void start(const std::string& name, pid_t pid);
  /// Puts a container's tree over its /proc, in place of what is mounted there.
  void attach(const std::string& name, Attachment::Done done);
  /// Unmounts a container's tree, and forgets it. The container sees dead mounts (ENOTCONN).
  void remove(const std::string& name);
  [[nodiscard]] std::vector<Registration> list() const;

 private:
  struct Served {
    std::shared_ptr<Container> container;
    std::shared_ptr<MountedSession> session;
  };

  void lock();
  void clean_up();
  void restore();
  /// False if its process has ended.
  bool restore(const Registration& registration);
  /// Mounts a container's tree, without writing it down.
  Container& mount(const std::string& name);
  [[nodiscard]] Served& at(const std::string& name);
  void save() const noexcept;

  boost::asio::any_io_executor executor_;
  nsenterd::Client& client_;
  std::filesystem::path root_;
  nsenterd::UniqueFd lock_;
  std::map<std::string, Served> served_;
};

}  // namespace procfs_companion
