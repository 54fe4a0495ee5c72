// Who answers for which path. (Companion.)
#pragma once

#include <map>
#include <memory>
#include <string>

#include "handler.hpp"
#include "pass_through.hpp"

namespace procfs_companion {

/// The tree of one container.
class HandlerTable {
 public:
  /// The service's container has to outlive it.
  explicit HandlerTable(const Service& service);

  /// The handler of the longest path of the table that this is, or is below of. There is always one: that of "/".
  [[nodiscard]] Handler& find(const std::string& path) const;

 private:
  std::map<std::string, std::unique_ptr<Handler>> handlers_;
};

}  // namespace procfs_companion
