// A FUSE filesystem with one file that can be opened, but whose closing is never answered.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include <nsenterd/unique_fd.hpp>

#include "support/container.hpp"

namespace nsenterd::test {

/// Mounted over a directory of a container, which then has the file "file": whoever closes a descriptor of it waits, beyond
/// the reach of signals, until this is destroyed.
class UnflushedFile {
 public:
  /// Throws std::system_error.
  UnflushedFile(const Container& container, std::string directory);
  UnflushedFile(const UnflushedFile&) = delete;
  UnflushedFile& operator=(const UnflushedFile&) = delete;
  ~UnflushedFile();

  /// From now on nothing is answered at all, such as what fstat(2) asks.
  void fall_silent() { silent_ = true; }
  /// How many have begun to close the file.
  [[nodiscard]] int waiting() const { return waiting_; }

 private:
  void serve();

  pid_t container_;
  std::string directory_;
  UniqueFd device_;
  std::atomic<int> waiting_ = 0;
  std::atomic<bool> silent_ = false;
  std::atomic<bool> ended_ = false;
  std::thread server_;
};

}  // namespace nsenterd::test
