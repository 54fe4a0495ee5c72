#include "cli/mount_options.hpp"

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include <libmount/libmount.h>

namespace nsenterd::cli {
namespace {

constexpr std::uint64_t kPropagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
/// What a bind mount takes over from what it binds, until it is remounted.
constexpr std::uint64_t kOfMountPoint = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
                                        MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_NOSYMFOLLOW;
constexpr std::size_t kMaxData = 4096;
constexpr std::uint64_t kNeedNoType = MS_BIND | MS_MOVE | MS_REMOUNT;

Stop wrong_options(const std::string& what) {
  return {ExitStatus::usage, "mount options: " + what};
}

/// A list of options as libmount allocates it; null is none.
using OptionList = std::unique_ptr<char, decltype(&std::free)>;

/// The options by whom they are for.
struct SplitOptions {
  OptionList user{nullptr, &std::free};
  OptionList kernel{nullptr, &std::free};
  OptionList filesystem{nullptr, &std::free};
};

std::optional<SplitOptions> split(const std::string& text) {
  // libmount takes no options at all for a mistake.
  if (text.empty()) return SplitOptions();
  char* user = nullptr;
  char* kernel = nullptr;
  char* filesystem = nullptr;
  const int status = mnt_split_optstr(text.c_str(), &user, &kernel, &filesystem, 0, 0);
  SplitOptions options;
  options.user.reset(user);
  options.kernel.reset(kernel);
  options.filesystem.reset(filesystem);
  if (status != 0) return std::nullopt;
  return options;
}

struct Flags {
  std::uint64_t mount = 0;
  /// Each with or without MS_REC: one a call, and none together with others (mount(2)).
  std::vector<std::uint64_t> propagation;
};

/// One option after the other, because "rbind,private" and "bind,rprivate" have the same flags in all.
std::optional<Flags> read_flags(char* list) {
  const libmnt_optmap* const map = mnt_get_builtin_optmap(MNT_LINUX_MAP);
  unsigned long mount = 0;
  Flags flags;
  if (list == nullptr) return flags;
  char* name = nullptr;
  std::size_t length = 0;
  for (;;) {
    const int next = mnt_optstr_next_option(&list, &name, &length, nullptr, nullptr);
    if (next == 1) break;
    const std::string option = next == 0 ? std::string(name, length) : std::string();
    unsigned long single = 0;
    if (next != 0 || mnt_optstr_get_flags(option.c_str(), &single, map) != 0) return std::nullopt;
    if ((single & kPropagation) != 0) {
      flags.propagation.push_back(single);
    } else if (mnt_optstr_get_flags(option.c_str(), &mount, map) != 0) {
      // Some options take flags away, hence not `mount |= single`.
      return std::nullopt;
    }
  }
  flags.mount = mount;
  return flags;
}

/// The kernel ignores, without a word, whatever it does not do in the same call.
std::vector<std::uint64_t> calls_for(const Flags& flags, bool mounts) {
  std::vector<std::uint64_t> calls;
  const bool binds = (flags.mount & MS_BIND) != 0 && (flags.mount & MS_REMOUNT) == 0;
  if (binds) {
    calls.push_back(flags.mount & ~kOfMountPoint);
    if ((flags.mount & kOfMountPoint) != 0)
      calls.push_back((flags.mount & ~std::uint64_t{MS_REC}) | MS_REMOUNT);
  } else if (mounts) {
    calls.push_back(flags.mount);
  }
  calls.insert(calls.end(), flags.propagation.begin(), flags.propagation.end());
  return calls;
}

}  // namespace

Outcome<MountOptions> parse_mount_options(const std::string& text, const std::string& type) {
  const auto options = split(text);
  if (!options) return wrong_options("not understood: " + text);
  if (options->user)
    return wrong_options(std::string(options->user.get()) + " is nothing that mount(2) does");
  const auto flags = read_flags(options->kernel.get());
  if (!flags) return wrong_options("not understood: " + text);
  const bool only_propagation =
      type.empty() && flags->mount == 0 && !options->filesystem && !flags->propagation.empty();
  if (type.empty() && (flags->mount & kNeedNoType) == 0 && !only_propagation) {
    return Stop{ExitStatus::usage,
                "mount: a type is needed, unless it is to bind, move, remount or change propagation"};
  }
  MountOptions result;
  result.calls = calls_for(*flags, !only_propagation);
  if (options->filesystem) result.data = options->filesystem.get();
  // The kernel would cut them at the end of a page (mount(2)).
  if (result.data.size() >= kMaxData) return wrong_options("too long for the kernel");
  return result;
}

}  // namespace nsenterd::cli
