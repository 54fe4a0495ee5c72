// How `open` opens a file (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/outcome.hpp"

namespace nsenterd::cli {

struct OpenOptions {
  bool write = false;
  bool read_write = false;
  bool append = false;
  bool create = false;
  bool exclusive = false;
  bool truncate = false;
  std::optional<std::uint32_t> mode;
  std::uint64_t resolve = 0;
  bool verify_fuse = false;
};

/// What openat2(2) takes.
struct OpenHow {
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
};

/// Wrong usage where the kernel would refuse a combination, or do something nobody means.
Outcome<OpenHow> open_how(const OpenOptions& options);

/// Names with commas between: "beneath,no-symlinks". The RESOLVE_* bits.
std::optional<std::uint64_t> parse_resolve(std::string_view text) noexcept;

}  // namespace nsenterd::cli
