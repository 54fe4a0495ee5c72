// The filesystem of one container: what FUSE asks about nodes, asked of the handlers of their paths. (Companion.)
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fuse_lowlevel.h>

#include "call.hpp"
#include "handler_table.hpp"
#include "node_table.hpp"
#include "open_objects.hpp"

namespace procfs_companion {

/// Each function is one of fuse_lowlevel_ops, answers its call now or later, and throws std::exception.
class FileSystem {
 public:
  explicit FileSystem(Service service) : service_(std::move(service)), handlers_(service_) {}

  using CallPtr = std::shared_ptr<Call>;
  void lookup(const CallPtr& call, fuse_ino_t directory, const std::string& name);
  void forget(fuse_ino_t node, std::uint64_t lookups) { nodes_.forget(node, lookups); }
  void get_attributes(const CallPtr& call, fuse_ino_t node);
  void set_attributes(const CallPtr& call, fuse_ino_t node, int what, const fuse_file_info* file);
  void open(const CallPtr& call, fuse_ino_t node, const fuse_file_info& file);
  void read(const CallPtr& call, fuse_ino_t node, std::size_t size, off_t offset, const fuse_file_info& file);
  void write(const CallPtr& call, fuse_ino_t node, std::string data, off_t offset,
             const fuse_file_info& file);
  void open_directory(const CallPtr& call, fuse_ino_t node, const fuse_file_info& file);
  void read_directory(const CallPtr& call, fuse_ino_t node, std::size_t size, off_t offset,
                      const fuse_file_info& file, bool with_attributes);
  void read_link(const CallPtr& call, fuse_ino_t node);
  void access(const CallPtr& call, fuse_ino_t node, int mask);
  /// What would make an entry. A procfs says that it is not there.
  void rename(const CallPtr& call, fuse_ino_t new_directory, const std::string& new_name);
  /// What would set or remove an extended attribute, of which there are none.
  void change_xattr(const CallPtr& call, fuse_ino_t node);

  void close(const fuse_file_info& file) { files_.remove(file.fh); }
  void close_directory(const fuse_file_info& file) { directories_.remove(file.fh); }

 private:
  [[nodiscard]] Place place_of(const CallPtr& call, fuse_ino_t node) {
    return {.call = call, .path = nodes_.at(node).path};
  }
  [[nodiscard]] Handler& handler_of(fuse_ino_t node) { return handlers_.find(nodes_.at(node).path); }
  /// Asks only where the mode does not say that everybody may.
  void check(const CallPtr& call, fuse_ino_t node, int flags, Purpose purpose, Reply<std::monostate> reply);
  void set_times(const CallPtr& call, fuse_ino_t node, bool to_now);
  void answer_with_attributes(const CallPtr& call, fuse_ino_t node);
  /// The same for who may write to it.
  void answer_if_writable(const CallPtr& call, fuse_ino_t node);
  [[nodiscard]] fuse_entry_param remember(const std::string& path, const struct stat& attributes);

  // No container has as many open at once, unless it is up to something; what all of them are then is some 50 MB of this process.
  static constexpr std::size_t kMostFiles = 1U << 16U;
  static constexpr std::size_t kMostEntries = 1U << 18U;

  Service service_;
  HandlerTable handlers_;
  NodeTable nodes_;
  OpenObjects<OpenFile> files_{kMostFiles};
  /// Their entries, as they were when they were opened.
  OpenObjects<std::vector<Entry>> directories_{kMostEntries};
};

}  // namespace procfs_companion
