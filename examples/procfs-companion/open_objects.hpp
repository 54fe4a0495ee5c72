// What the kernel has open: it knows each by a number. (Companion.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace procfs_companion {

/// Its memory is this process's, whoever has opened how much: so there is an end to it.
template <class T>
class OpenObjects {
 public:
  explicit OpenObjects(std::size_t most) noexcept : most_(most) {}

  /// Its number, which no other one ever has. Nothing if with its weight there would be more than the most.
  std::optional<std::uint64_t> add(T object, std::size_t weight) {
    if (weight > most_ - weight_) return std::nullopt;
    weight_ += weight;
    objects_.emplace(++last_, Weighed{std::move(object), weight});
    return last_;
  }
  /// Stays where it is until it is removed. Throws std::out_of_range.
  [[nodiscard]] T& at(std::uint64_t number) { return objects_.at(number).object; }
  void remove(std::uint64_t number) {
    const auto found = objects_.find(number);
    if (found == objects_.end()) return;
    weight_ -= found->second.weight;
    objects_.erase(found);
  }

 private:
  struct Weighed {
    T object;
    std::size_t weight;
  };
  std::size_t most_;
  std::size_t weight_ = 0;
  std::unordered_map<std::uint64_t, Weighed> objects_;
  std::uint64_t last_ = 0;
};

}  // namespace procfs_companion
