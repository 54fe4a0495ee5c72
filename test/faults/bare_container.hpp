// A container that costs no program: one process in new namespaces.
#pragma once

#include <atomic>
#include <chrono>

#include "support/container.hpp"

namespace nsenterd::test {

/// A process in new namespaces of all kinds but time, root of its user namespace, that only waits. The files are the host's.
class BareContainer : public Container {
 public:
  /// Throws std::system_error.
  BareContainer();
  ~BareContainer() override;

  /// Signals its process 1.
  void signal(int signal);
  [[nodiscard]] bool was_signalled() const { return signalled_; }
  /// Whether its process 1 is gone within that time, and with it all that was in the container's pid namespace.
  bool is_gone_within(std::chrono::milliseconds limit);

  /// Starts a process inside, beside process 1, that does this for ever. It ends with the container.
  void start_inside(void (*work)()) const;

 private:
  bool gone_ = false;
  // By another thread than the one that asks for it.
  std::atomic<bool> signalled_ = false;
};

}  // namespace nsenterd::test
