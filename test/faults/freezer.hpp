// Freezes a container, as its manager does to pause it.
#pragma once

#include <string>

#include "faults/bare_container.hpp"

namespace nsenterd::test {

/// A container's process 1, frozen until this is destroyed: with the freezer of control groups, of either version, and where
/// there is none with SIGSTOP.
class Frozen {
 public:
  explicit Frozen(BareContainer& container);
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen();

  /// What it was frozen with.
  [[nodiscard]] const std::string& with() const { return with_; }

 private:
  bool freeze(const std::string& hierarchy, const char* file, const char* frozen, const char* thawed);

  BareContainer& container_;
  std::string with_;
  std::string hierarchy_;
  std::string group_;
  std::string file_;
  std::string thawed_;
};

}  // namespace nsenterd::test
