// Limits that the kernel has for the whole machine: each container sets its own, and nothing comes of it. (Companion.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "emulated_file.hpp"

namespace procfs_companion {

/// The numbers that the kernel takes.
struct LimitRange {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// A number as the kernel reads one (proc_get_long() of its sysctl.c), and how many bytes it takes.
struct ParsedLimit {
  std::int64_t value = 0;
  std::size_t length = 0;
};
/// EINVAL for what is no number, or out of range.
Outcome<ParsedLimit> parse_limit(std::string_view text, const LimitRange& range);

/// A limit belongs to root of the container, who alone sets it, by his id and not by his capabilities, as in the kernel. It has the
/// host's value until he does.
class Limit : public EmulatedFile {
 public:
  Limit(Container& container, std::string path, LimitRange range)
      : container_(container), path_(std::move(path)), range_(range) {}

  [[nodiscard]] struct stat shown(const struct stat& real) const override;
  void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) override;
  void read(const Place& place, OpenFile& file, off_t offset, std::size_t size,
            Reply<std::string> reply) override;
  void write(const Place& place, const OpenFile& file, off_t offset, std::string data,
             Reply<std::size_t> reply) override;

 protected:
  [[nodiscard]] std::string text() const override;

 private:
  /// `refusal` is the errno for those of the container who may not.
  [[nodiscard]] Outcome<std::monostate> check_writer(const Place& place, int refusal) const;

  Container& container_;
  std::string path_;
  LimitRange range_;
};

}  // namespace procfs_companion
