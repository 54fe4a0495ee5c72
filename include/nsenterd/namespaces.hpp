// Sets of Linux namespaces, by the names that the kernel gives them below /proc/PID/ns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <sched.h>

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

/// The kind that a name such as "mnt" stands for.
std::optional<Namespace> namespace_from_name(std::string_view name) noexcept;

/// A set of kinds. Converts to and from the kernel's flags, so that it also says which namespaces to create.
class Namespaces {
 public:
  constexpr Namespaces() noexcept = default;
  constexpr Namespaces(std::initializer_list<Namespace> kinds) noexcept {
    for (const Namespace kind : kinds) insert(kind);
  }
  static constexpr Namespaces all() noexcept {
    using enum Namespace;
    return {user, mnt, uts, ipc, pid, cgroup, net, time};
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
  [[nodiscard]] std::string names() const;

  friend constexpr bool operator==(Namespaces, Namespaces) noexcept = default;

 private:
  std::uint32_t flags_ = 0;
};

/// Which namespaces a process is in: for each kind the inode number that the kernel shows for it (namespaces(7)), 0 where it
/// was not asked for. Two namespaces of a kind that exist at the same time never have the same.
class NamespaceIds {
 public:
  constexpr std::uint64_t& operator[](Namespace kind) noexcept { return inodes_[index_of(kind)]; }
  constexpr std::uint64_t operator[](Namespace kind) const noexcept { return inodes_[index_of(kind)]; }

  friend constexpr bool operator==(const NamespaceIds&, const NamespaceIds&) noexcept = default;

 private:
  static constexpr std::size_t index_of(Namespace kind) noexcept {
    switch (kind) {
      case Namespace::user: return 0;
      case Namespace::mnt: return 1;
      case Namespace::uts: return 2;
      case Namespace::ipc: return 3;
      case Namespace::pid: return 4;
      case Namespace::cgroup: return 5;
      case Namespace::net: return 6;
      case Namespace::time: return 7;
    }
    return 0;
  }

  std::array<std::uint64_t, 8> inodes_{};
};

}  // namespace nsenterd
