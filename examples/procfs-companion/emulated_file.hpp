// Files whose content is made here. (Companion.)
#pragma once

#include <string>

#include "container.hpp"
#include "handler.hpp"

namespace procfs_companion {

/// A file that anybody may read, and nobody write.
class EmulatedFile : public Handler {
 public:
  [[nodiscard]] struct stat shown(const struct stat& real) const override;
  void look(const Place& place, Reply<struct stat> reply) override;
  void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) override;
  void read(const Place& place, OpenFile& file, off_t offset, std::size_t size,
            Reply<std::string> reply) override;

 protected:
  [[nodiscard]] virtual std::string text() const = 0;
};

/// /proc/uptime: how long the container's first process has been there, and how long the host's processors have been idle since then.
/// What of the latter the container could have used, nobody knows.
class Uptime : public EmulatedFile {
 public:
  explicit Uptime(const Container& container) noexcept : container_(container) {}

 protected:
  [[nodiscard]] std::string text() const override;

 private:
  const Container& container_;
};

/// /proc/swaps, of a machine that has none: they are the host's.
class Swaps : public EmulatedFile {
 protected:
  [[nodiscard]] std::string text() const override;
};

/// A directory that has the table's entries and no others.
class FixedDirectory : public Handler {
 public:
  FixedDirectory(std::string path, std::vector<Entry> entries)
      : path_(std::move(path)), entries_(std::move(entries)) {}

  [[nodiscard]] struct stat shown(const struct stat& real) const override;
  void look(const Place& place, Reply<struct stat> reply) override;
  void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) override;
  void list(const Place& place, Reply<std::vector<Entry>> reply) override;

 private:
  std::string path_;
  std::vector<Entry> entries_;
};

}  // namespace procfs_companion
