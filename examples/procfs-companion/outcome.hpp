// What comes of an operation of the filesystem. (Companion.)
#pragma once

#include <functional>

#include <boost/system/result.hpp>

namespace procfs_companion {

/// Why a system call of the container's fails. No number becomes one unasked.
enum class Errno : int {};
constexpr int to_int(Errno error) noexcept {
  return static_cast<int>(error);
}

/// A value, or the errno that there is instead.
template <class T>
using Outcome = boost::system::result<T, Errno>;

/// Is called once, now or later.
template <class T>
using Reply = std::function<void(Outcome<T>)>;

}  // namespace procfs_companion
