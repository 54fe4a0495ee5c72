#include <nsenterd/namespaces.hpp>

#include "nsjoin/namespace_table.hpp"
#include "nsjoin/step.hpp"

namespace nsenterd {

std::optional<Namespace> namespace_from_name(std::string_view name) noexcept {
  for (const auto& entry : nsjoin::kNamespaceTable) {
    if (entry.name == name) return static_cast<Namespace>(entry.flag);
  }
  return std::nullopt;
}

std::string Namespaces::names() const {
  return nsjoin::namespace_names(flags_);
}

}  // namespace nsenterd
