#include "node_table.hpp"

#include "attributes.hpp"

namespace procfs_companion {

NodeTable::NodeTable() {
  struct stat root = directory_attributes();
  root.st_ino = number_of("/");
  // The kernel knows the root without being told, and never forgets it.
  nodes_[FUSE_ROOT_ID] = Node{.id = FUSE_ROOT_ID, .path = "/", .attributes = root, .lookups = 1};
  ids_["/"] = FUSE_ROOT_ID;
}

std::string NodeTable::path_of(fuse_ino_t directory, const std::string& name) const {
  return join(nodes_.at(directory).path, name);
}

Node& NodeTable::remember(const std::string& path, const struct stat& attributes) {
  const auto [known, is_new] = ids_.try_emplace(path, last_ + 1);
  if (is_new) {
    ++last_;
    nodes_[last_] = Node{.id = last_, .path = path};
  }
  Node& node = nodes_.at(known->second);
  node.attributes = attributes;
  ++node.lookups;
  return node;
}

void NodeTable::forget(fuse_ino_t id, std::uint64_t lookups) {
  const auto found = nodes_.find(id);
  if (id == FUSE_ROOT_ID || found == nodes_.end()) return;
  Node& node = found->second;
  if (node.lookups > lookups) {
    node.lookups -= lookups;
    return;
  }
  ids_.erase(node.path);
  nodes_.erase(found);
}

std::string join(const std::string& directory, const std::string& name) {
  return directory == "/" ? directory + name : directory + '/' + name;
}

}  // namespace procfs_companion
