// Catches other processes at a chosen system call, to do something to somebody at just that moment (ptrace(2)). Nothing in
// the programs under test knows of it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include <sys/types.h>

namespace nsenterd::test {

/// A system call that a process is about to make.
struct Moment {
  /// For any call at all.
  static constexpr long kAny = -2;
  long call = -1;
  /// The how manieth such call, counted from when the process is traced.
  int nth = 1;
  /// Counted only from the first such call on.
  long after = -1;
};

class Tracer {
 public:
  enum class Traced { itself, its_forks };
  /// Whether a process (of its forks, as they are forked; itself, when it makes such a call) is meant.
  using Chosen = std::function<bool(pid_t)>;
  /// What is done while the process is held; runs in the tracer's thread. An errno other than 0: the call is not made, and fails
  /// with that.
  using Action = std::function<int(pid_t)>;

  /// Returns when the process is being traced. A process is let go once it has been caught. Throws std::system_error.
  Tracer(pid_t pid, Traced traced, Moment moment, Chosen chosen, Action action);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  /// Lets go of all.
  ~Tracer();

  /// How often a process has been caught.
  [[nodiscard]] int hits() const { return hits_; }

 private:
  struct Tracee {
    int calls = 0;
    bool is_after = false;
    /// What the call that it has been kept from fails with.
    int error = 0;
  };

  void run(std::atomic<int>& started);
  void seize(std::atomic<int>& started);
  /// Whether a process is just being kept from a call.
  [[nodiscard]] bool is_failing_call() const;
  void on_stop(pid_t pid, int status);
  void on_fork(pid_t parent, pid_t child);
  void on_call(pid_t pid, Tracee& tracee);
  bool is_moment(pid_t pid, Tracee& tracee, long call) const;
  void begin(pid_t pid, bool chosen);
  void resume(pid_t pid, int signal) const;
  void let_go(pid_t pid);

  pid_t root_;
  Traced traced_;
  Moment moment_;
  Chosen chosen_;
  Action action_;
  std::map<pid_t, Tracee> tracees_;
  // Forked, but one of its first stop and its parent's report of it is still to come.
  std::set<pid_t> stopped_early_;
  std::map<pid_t, bool> reported_;
  std::atomic<int> hits_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

/// Whether a process has a pidfd of another open: that of an event's target, say.
bool holds_pidfd_of(pid_t pid, pid_t target);

}  // namespace nsenterd::test
