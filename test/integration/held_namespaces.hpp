// Namespaces of a process, opened to be given to events.
#pragma once

#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nsenterd/namespaces.hpp>
#include <nsenterd/unique_fd.hpp>

#include "support/processes.hpp"

namespace nsenterd::test {

/// Namespaces of a process, held open.
class Held {
 public:
  Held(pid_t pid, Namespaces kinds) {
    for (const std::string_view name : kNamespaceNames) {
      const Namespace kind = namespace_from_name(name).value();
      if (!kinds.contains(kind)) continue;
      files_.push_back(open_namespace(pid, kind).value());
      descriptors_[kind] = files_.back().get();
    }
  }
  [[nodiscard]] const NamespaceDescriptors& descriptors() const { return descriptors_; }

 private:
  std::vector<UniqueFd> files_;
  NamespaceDescriptors descriptors_;
};

}  // namespace nsenterd::test
