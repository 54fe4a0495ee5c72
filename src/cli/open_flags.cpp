#include "cli/open_flags.hpp"

#include <algorithm>

#include <fcntl.h>
#include <linux/openat2.h>

namespace nsenterd::cli {
namespace {

/// That of a file that is created, where none is given.
constexpr std::uint32_t kDefaultMode = 0644;

struct ResolveName {
  std::string_view name;
  std::uint64_t flag;
};
constexpr ResolveName kResolveNames[] = {
    {"beneath", RESOLVE_BENEATH},
    {"in-root", RESOLVE_IN_ROOT},
    {"no-magiclinks", RESOLVE_NO_MAGICLINKS},
    {"no-symlinks", RESOLVE_NO_SYMLINKS},
    {"no-xdev", RESOLVE_NO_XDEV},
    {"cached", RESOLVE_CACHED},
};

Stop wrong_usage(const char* what) {
  return {ExitStatus::usage, what};
}

}  // namespace

Outcome<OpenHow> open_how(const OpenOptions& options) {
  const bool writes = options.write || options.read_write;
  if (options.write && options.read_write)
    return wrong_usage("open: --write and --read-write exclude each other");
  // O_TRUNC without a right to write truncates all the same, if it can.
  if ((options.append || options.truncate) && !writes) {
    return wrong_usage("open: --append and --truncate need --write or --read-write");
  }
  if ((options.exclusive || options.mode) && !options.create) {
    return wrong_usage("open: --exclusive and --mode need --create");
  }
  OpenHow how;
  how.flags = options.read_write ? O_RDWR : options.write ? O_WRONLY : O_RDONLY;
  if (options.append) how.flags |= O_APPEND;
  if (options.create) how.flags |= O_CREAT;
  if (options.exclusive) how.flags |= O_EXCL;
  if (options.truncate) how.flags |= O_TRUNC;
  if (options.create) how.mode = options.mode.value_or(kDefaultMode);
  return how;
}

std::optional<std::uint64_t> parse_resolve(std::string_view text) noexcept {
  std::uint64_t flags = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto* const found =
        std::find_if(std::begin(kResolveNames), std::end(kResolveNames),
                     [&](const auto& known) { return known.name == text.substr(begin, end - begin); });
    if (found == std::end(kResolveNames)) return std::nullopt;
    flags |= found->flag;
    begin = end + 1;
  }
  return flags;
}

}  // namespace nsenterd::cli
