// What the kernel has open: it knows each by a number. (Companion.)
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

namespace procfs_companion {

template <class T>
class OpenObjects {
 public:
  /// Its number, which no other one ever has.
  std::uint64_t add(T object) {
    objects_.emplace(++last_, std::move(object));
    return last_;
  }
  /// Stays where it is until it is removed. Throws std::out_of_range.
  [[nodiscard]] T& at(std::uint64_t number) { return objects_.at(number); }
  void remove(std::uint64_t number) { objects_.erase(number); }

 private:
  std::unordered_map<std::uint64_t, T> objects_;
  std::uint64_t last_ = 0;
};

}  // namespace procfs_companion
