#include "daemon/user_namespace.hpp"

#include <cerrno>

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <nsenterd/namespaces.hpp>

namespace nsenterd::daemon {
namespace {

bool is_own(const UniqueFd& user_namespace, const struct stat& own) {
  struct stat asked {};
  // What cannot be told is the host's: nobody but root has a business there.
  if (::fstat(user_namespace.get(), &asked) != 0) return true;
  return asked.st_dev == own.st_dev && asked.st_ino == own.st_ino;
}

}  // namespace

Result<UserNamespaceOwners> owners_of_user_namespace(const Target& target) {
  auto opened = open_namespace(target, Namespace::user);
  if (!opened) {
    const Failure failure = opened.error();
    const auto* const refused = std::get_if<JoinFailed>(&failure);
    return refused != nullptr && refused->error == EACCES ? Failure(Denied{}) : failure;
  }
  UserNamespaceOwners result;
  struct stat own {};
  if (::stat("/proc/self/ns/user", &own) != 0) return result;
  for (UniqueFd current = std::move(*opened); !is_own(current, own);) {
    uid_t owner = 0;
    if (::ioctl(current.get(), NS_GET_OWNER_UID, &owner) != 0) return Failure(JoinFailed{"ioctl", errno});
    result.owners.push_back(owner);
    current.reset(::ioctl(current.get(), NS_GET_PARENT));
    // There is no way from it to the daemon's own: it is beside or above that (EPERM).
    if (!current) return UserNamespaceOwners{};
    result.is_hosts = false;
  }
  return result;
}

}  // namespace nsenterd::daemon
