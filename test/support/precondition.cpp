#include "support/precondition.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {
namespace {

bool is_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "");
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (::access((directory + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace

std::string missing_root() {
  return ::geteuid() == 0 ? "" : "root's rights";
}

std::string missing_programs(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!is_in_path(name)) return std::string("the program ") + name;
  }
  return {};
}

std::string missing_for_containers() {
  if (auto missing = missing_root(); !missing.empty()) return missing;
  return missing_programs({"runc", "busybox", "unshare", "nsenter"});
}

std::string missing_extended_attributes() {
  std::string path = std::filesystem::temp_directory_path() / "nsenterd-test-XXXXXX";
  const UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return "a file in " + std::filesystem::temp_directory_path().string();
  ::unlink(path.c_str());
  for (const char* name : {"user.nsenterd", "trusted.nsenterd"}) {
    if (::fsetxattr(file.get(), name, "", 0, 0) != 0) {
      return "a filesystem in " + std::filesystem::temp_directory_path().string() +
             " with attributes such as " + name;
    }
  }
  return {};
}

bool skips_are_allowed() {
  const char* allowed = std::getenv("NSENTERD_ALLOW_SKIP");
  return allowed != nullptr && std::string_view(allowed) == "1";
}

}  // namespace nsenterd::test
