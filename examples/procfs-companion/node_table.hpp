// Which path the kernel means by which node. (Companion.)
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include <fuse_lowlevel.h>
#include <sys/stat.h>

namespace procfs_companion {

/// A file that the kernel knows.
struct Node {
  fuse_ino_t id = 0;
  std::string path;
  /// As somebody was last told.
  struct stat attributes {};
  /// How often the kernel was told of it, and has not forgotten it.
  std::uint64_t lookups = 0;
};

/// There are as many nodes as the kernel keeps inodes, and their ids are never given twice.
class NodeTable {
 public:
  NodeTable();

  /// Throws std::out_of_range if the kernel asks for what it was not told of.
  [[nodiscard]] Node& at(fuse_ino_t id) { return nodes_.at(id); }
  [[nodiscard]] bool knows(const std::string& path) const { return ids_.contains(path); }
  /// The path of a directory's entry.
  [[nodiscard]] std::string path_of(fuse_ino_t directory, const std::string& name) const;

  /// The node of a path that the kernel is told of, once more.
  Node& remember(const std::string& path, const struct stat& attributes);
  void forget(fuse_ino_t id, std::uint64_t lookups);

 private:
  std::unordered_map<fuse_ino_t, Node> nodes_;
  std::unordered_map<std::string, fuse_ino_t> ids_;
  fuse_ino_t last_ = FUSE_ROOT_ID;
};

/// The path of an entry: of "/" as of every other directory.
std::string join(const std::string& directory, const std::string& name);

}  // namespace procfs_companion
