// A client that must not notice what happens to others.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/types.h>

namespace nsenterd::test {

/// Makes small requests for a container, one after the other, in a thread of its own.
class Neighbour {
 public:
  struct Record {
    int answered = 0;
    /// Of those: not with a response.
    int refused = 0;
    std::string last_refusal;
    std::chrono::milliseconds slowest{};
    /// A request that had no reply at all; empty if there was none.
    std::string unanswered;
  };

  /// Returns when it has been answered once: from then on nothing that happens to new connections concerns it.
  Neighbour(const std::filesystem::path& socket, pid_t container);
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() { stop(); }

  /// Ends it, after the request that is under way.
  const Record& stop();

 private:
  void run(const std::filesystem::path& socket, pid_t container);
  void tell_begun();

  std::atomic<bool> begun_ = false;
  Record record_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace nsenterd::test
