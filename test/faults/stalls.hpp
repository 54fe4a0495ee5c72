// A control for times that are measured: how long the machine itself kept somebody waiting who only slept.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace nsenterd::test {

/// Sleeps in a thread of its own, and adds up by how much it overslept each time that this was too much to be usual.
class Stalls {
 public:
  Stalls();
  Stalls(const Stalls&) = delete;
  Stalls& operator=(const Stalls&) = delete;
  ~Stalls();

  /// From the beginning; the difference between two moments is what was lost between them.
  [[nodiscard]] std::chrono::milliseconds total() const;

  /// The one of this program.
  static Stalls& of_machine();

 private:
  void run();

  std::atomic<std::chrono::milliseconds> total_{};
  std::atomic<std::chrono::steady_clock::time_point> napping_since_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace nsenterd::test
