#include <cerrno>

#include <fcntl.h>

#include <nsenterd/namespaces.hpp>
#include <nsenterd/target.hpp>

#include "nsjoin/namespace_table.hpp"
#include "nsjoin/step.hpp"

namespace nsenterd {
namespace {

/// Of a process's directory below /proc.
Result<UniqueFd> open_entry(pid_t pid, const std::string& name, int flags) {
  if (pid <= 0) return Failure(InvalidParameter{"pid"});
  const std::string path = "/proc/" + std::to_string(pid) + '/' + name;
  UniqueFd entry(::open(path.c_str(), flags | O_CLOEXEC));
  if (entry) return entry;
  // ENOENT of a process that is there: a kind of namespace that the kernel does not have, or a zombie's root.
  if (errno == ENOENT || errno == ESRCH) return Failure(NoSuchTarget{});
  return Failure(JoinFailed{"open " + name, errno});
}

/// What was opened is the target's only if the number still was its own afterwards.
Result<UniqueFd> if_alive(const Target& target, Result<UniqueFd> opened) {
  if (target.has_ended()) return Failure(NoSuchTarget{});
  return opened;
}

std::string entry_of(Namespace kind) {
  return "ns/" + nsjoin::namespace_names(static_cast<std::uint32_t>(kind));
}

constexpr int kDirectory = O_PATH | O_DIRECTORY;

}  // namespace

std::optional<Namespace> namespace_from_name(std::string_view name) noexcept {
  for (const auto& entry : nsjoin::kNamespaceTable) {
    if (entry.name == name) return static_cast<Namespace>(entry.flag);
  }
  return std::nullopt;
}

std::string Namespaces::names() const {
  return nsjoin::namespace_names(flags_);
}

Result<UniqueFd> open_namespace(pid_t pid, Namespace kind) {
  return open_entry(pid, entry_of(kind), O_RDONLY);
}
Result<UniqueFd> open_namespace(const Target& target, Namespace kind) {
  return if_alive(target, open_namespace(target.pid(), kind));
}
Result<UniqueFd> open_root(pid_t pid) {
  return open_entry(pid, "root", kDirectory);
}
Result<UniqueFd> open_root(const Target& target) {
  return if_alive(target, open_root(target.pid()));
}
Result<UniqueFd> open_cwd(pid_t pid) {
  return open_entry(pid, "cwd", kDirectory);
}
Result<UniqueFd> open_cwd(const Target& target) {
  return if_alive(target, open_cwd(target.pid()));
}

}  // namespace nsenterd
