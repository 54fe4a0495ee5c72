// Linux namespaces: sets of them, by the names that the kernel gives them below /proc/PID/ns, and those of a process, held open.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <sched.h>
#include <sys/types.h>

#include <nsenterd/api.hpp>
#include <nsenterd/failure.hpp>
#include <nsenterd/unique_fd.hpp>

namespace nsenterd {

/// One kind of namespace (namespaces(7)); its value is the kernel's CLONE_NEW* flag.
enum class Namespace : std::uint32_t {
  user = CLONE_NEWUSER,
  mnt = CLONE_NEWNS,
  uts = CLONE_NEWUTS,
  ipc = CLONE_NEWIPC,
  pid = CLONE_NEWPID,
  cgroup = CLONE_NEWCGROUP,
  net = CLONE_NEWNET,
  // CLONE_NEWTIME, which older C libraries do not name.
  time = 0x00000080,
};

/// All kinds there are.
inline constexpr std::array<Namespace, 8> kAllNamespaces{Namespace::user, Namespace::mnt, Namespace::uts,
                                                         Namespace::ipc,  Namespace::pid, Namespace::cgroup,
                                                         Namespace::net,  Namespace::time};

/// The kind that a name such as "mnt" stands for.
NSENTERD_API std::optional<Namespace> namespace_from_name(std::string_view name) noexcept;

/// A set of kinds. Converts to and from the kernel's flags, so that it also says which namespaces to create.
class Namespaces {
 public:
  constexpr Namespaces() noexcept = default;
  constexpr Namespaces(std::initializer_list<Namespace> kinds) noexcept {
    for (const Namespace kind : kinds) insert(kind);
  }
  static constexpr Namespaces all() noexcept {
    Namespaces set;
    for (const Namespace kind : kAllNamespaces) set.insert(kind);
    return set;
  }
  /// Nothing if `flags` has a bit that names no namespace.
  static constexpr std::optional<Namespaces> from_flags(std::uint64_t flags) noexcept {
    if ((flags & ~std::uint64_t{all().flags_}) != 0) return std::nullopt;
    Namespaces set;
    set.flags_ = static_cast<std::uint32_t>(flags);
    return set;
  }

  constexpr void insert(Namespace kind) noexcept { flags_ |= static_cast<std::uint32_t>(kind); }
  constexpr void erase(Namespace kind) noexcept { flags_ &= ~static_cast<std::uint32_t>(kind); }
  [[nodiscard]] constexpr bool contains(Namespace kind) const noexcept {
    return (flags_ & static_cast<std::uint32_t>(kind)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return flags_ == 0; }
  /// The CLONE_NEW* bits.
  [[nodiscard]] constexpr std::uint32_t flags() const noexcept { return flags_; }
  /// Such as "user,mnt,pid".
  [[nodiscard]] NSENTERD_API std::string names() const;

  friend constexpr bool operator==(Namespaces, Namespaces) noexcept = default;

 private:
  std::uint32_t flags_ = 0;
};

/// A value for each kind of namespace; `kNone` where there is none.
template <class Value, Value kNone>
class PerNamespace {
 public:
  constexpr PerNamespace() noexcept { values_.fill(kNone); }

  constexpr Value& operator[](Namespace kind) noexcept { return values_[index_of(kind)]; }
  constexpr Value operator[](Namespace kind) const noexcept { return values_[index_of(kind)]; }
  /// The kinds that have one.
  [[nodiscard]] constexpr Namespaces kinds() const noexcept {
    Namespaces kinds;
    for (const Namespace kind : kAllNamespaces) {
      if ((*this)[kind] != kNone) kinds.insert(kind);
    }
    return kinds;
  }

  friend constexpr bool operator==(const PerNamespace&, const PerNamespace&) noexcept = default;

 private:
  static constexpr std::size_t index_of(Namespace kind) noexcept {
    std::size_t index = 0;
    while (kAllNamespaces[index] != kind) ++index;
    return index;
  }

  std::array<Value, kAllNamespaces.size()> values_;
};

/// Which namespaces a process is in: for each kind the inode number that the kernel shows for it (namespaces(7)), 0 where it
/// was not asked for. Two namespaces of a kind that exist at the same time never have the same.
using NamespaceIds = PerNamespace<std::uint64_t, 0>;

/// Namespaces that somebody holds open, as open_namespace() does: a descriptor of each, -1 where there is none.
using NamespaceDescriptors = PerNamespace<int, -1>;

class Target;

/// Opens a namespace of a process or thread (proc(5), "/proc/PID/ns/"), which stays what it is for as long as the descriptor
/// is open, whatever becomes of the process. By number, as the caller's pid namespace knows it, the process may be another one than
/// that which was meant: find out whether it still was there *after* this, for example by SECCOMP_IOCTL_NOTIF_ID_VALID
/// (seccomp_unotify(2)). A Target is never another one.
/// NoSuchTarget if there is no such process; JoinFailed if the caller may not look (ptrace(2), "ptrace access mode checking").
NSENTERD_API Result<UniqueFd> open_namespace(pid_t pid, Namespace kind);
NSENTERD_API Result<UniqueFd> open_namespace(const Target& target, Namespace kind);
/// The root directory that a process, or a thread, has (chroot(2)), to run in; opened with O_PATH. Errors as open_namespace().
NSENTERD_API Result<UniqueFd> open_root(pid_t pid);
NSENTERD_API Result<UniqueFd> open_root(const Target& target);
/// The same of the working directory.
NSENTERD_API Result<UniqueFd> open_cwd(pid_t pid);
NSENTERD_API Result<UniqueFd> open_cwd(const Target& target);

}  // namespace nsenterd
