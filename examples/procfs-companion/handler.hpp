// What answers for a part of the tree. (Companion.)
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "attributes.hpp"
#include "call.hpp"
#include "outcome.hpp"
#include "process_directory.hpp"

namespace procfs_companion {

/// A file, and the call that is about it.
struct Place {
  std::shared_ptr<Call> call;
  /// Such as "/proc/sys/kernel".
  std::string path;
};

/// An entry of a directory.
struct Entry {
  std::string name;
  struct stat attributes {};
};

/// What is kept from the opening of a file to its end.
struct OpenFile {
  /// The namespaces of the thread that opened it: the permission to do so was one for there. Of none where that had ended.
  NamespaceNumbers opener{};
  /// As it was when its beginning was read: who reads on gets the rest of that.
  std::string text;
};

/// Why somebody asks whether a file may be opened.
enum class Purpose { open, access };

/// Answers for one path of the table and those below it. The answers here are those of what a kind of file does not have.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  /// What is shown of a file that looks like that to the kernel.
  [[nodiscard]] virtual struct stat shown(const struct stat& real) const = 0;
  /// What lookup and stat(2) show.
  virtual void look(const Place& place, Reply<struct stat> reply) = 0;
  /// Whether it may be opened with these flags (open(2)). Is asked where the mode does not say so by itself.
  virtual void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) = 0;
  virtual void read(const Place& /*place*/, OpenFile& /*file*/, off_t /*offset*/, std::size_t /*size*/,
                    Reply<std::string> reply) {
    reply(Errno{EISDIR});
  }
  /// How many bytes have been taken.
  virtual void write(const Place& /*place*/, const OpenFile& /*file*/, off_t /*offset*/, std::string /*data*/,
                     Reply<std::size_t> reply) {
    reply(Errno{EACCES});
  }
  virtual void list(const Place& /*place*/, Reply<std::vector<Entry>> reply) { reply(Errno{ENOTDIR}); }
  virtual void read_link(const Place& /*place*/, Reply<std::string> reply) { reply(Errno{EINVAL}); }
};

}  // namespace procfs_companion
