#include "daemon/user_namespace.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <nsenterd/namespaces.hpp>

#include "base/id_map.hpp"

namespace nsenterd::daemon {
namespace {

bool is_own(const UniqueFd& user_namespace, const struct stat& own) {
  struct stat asked {};
  // What cannot be told is the host's: nobody but root has a business there.
  if (::fstat(user_namespace.get(), &asked) != 0) return true;
  return asked.st_dev == own.st_dev && asked.st_ino == own.st_ino;
}

/// As far as it can be told.
bool knows_root(const Target& target) {
  constexpr std::array<const char*, 2> kMaps{"uid_map", "gid_map"};
  return std::any_of(kMaps.begin(), kMaps.end(), [&](const char* map) {
    const auto mapped = base::is_mapped(target.pid(), map, 0);
    return !mapped || *mapped;
  });
}

}  // namespace

Result<UserNamespaceFacts> look_at_user_namespace(const Target& target) {
  auto opened = open_namespace(target, Namespace::user);
  if (!opened) {
    const Failure failure = opened.error();
    const auto* const refused = std::get_if<JoinFailed>(&failure);
    return refused != nullptr && refused->error == EACCES ? Failure(Denied{}) : failure;
  }
  UserNamespaceFacts result;
  struct stat own {};
  if (::stat("/proc/self/ns/user", &own) != 0) return result;
  for (UniqueFd current = std::move(*opened); !is_own(current, own);) {
    uid_t owner = 0;
    if (::ioctl(current.get(), NS_GET_OWNER_UID, &owner) != 0) return Failure(JoinFailed{"ioctl", errno});
    result.owners.push_back(owner);
    current.reset(::ioctl(current.get(), NS_GET_PARENT));
    // There is no way from it to the daemon's own: it is beside or above that (EPERM).
    if (!current) return UserNamespaceFacts{};
    result.is_hosts = false;
  }
  result.knows_hosts_root = knows_root(target);
  // The maps were looked up by its number, which may be another's by now.
  if (target.has_ended()) return Failure(NoSuchTarget{});
  return result;
}

}  // namespace nsenterd::daemon
