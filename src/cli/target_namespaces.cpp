#include "cli/target_namespaces.hpp"

#include <unistd.h>

#include "cli/arguments.hpp"

namespace nsenterd::cli {
namespace {

bool exists(const std::string& name) {
  return ::access(("/proc/self/ns/" + name).c_str(), F_OK) == 0;
}

}  // namespace

Namespaces known_namespaces() {
  Namespaces known = Namespaces::all();
  // Without procfs nothing can be told; every kernel has mount namespaces.
  if (!exists("mnt")) return known;
  for (const std::string& name : list_names(known)) {
    if (!exists(name)) known.erase(*namespace_from_name(name));
  }
  return known;
}

}  // namespace nsenterd::cli
