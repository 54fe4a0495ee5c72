// What has been counted of the events of each target, for the targets that were used last (daemon).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include <sys/types.h>

namespace nsenterd::daemon {

struct TargetCounts {
  std::uint64_t requests = 0;
  std::uint64_t error_responses = 0;
  std::uint64_t failures = 0;
  /// Of all its events, from the accepted request to its end.
  std::chrono::nanoseconds total{};
};

/// When a process was started, by /proc/PID/stat, in clock ticks since the system was; 0 if there is no such process.
std::uint64_t start_time_of(pid_t pid);

/// By process id, as the daemon's pid namespace numbers processes. A known one costs a look-up, and no memory.
///
/// A process id may be given to another process later. The table holds no process (a descriptor for each would be too much), but
/// knows when each was started, and asks again when a target is used that it has not asked about for a second. So counts are
/// inherited only by a process whose number was given away, around all numbers there are, within that second.
class TargetTable {
 public:
  using Clock = std::chrono::steady_clock;
  using StartTime = std::uint64_t (*)(pid_t pid);
  static constexpr std::size_t kMost = 1024;

  struct Entry {
    pid_t pid;
    std::uint64_t started;
    Clock::time_point asked;
    TargetCounts counts{};
  };

  explicit TargetTable(StartTime start_time = start_time_of) : start_time_(start_time) {}

  /// The target's counts, good until the next call; null if it has ended. A new one takes the place of the one that has not been
  /// used for longest, if there are too many.
  TargetCounts* use(pid_t pid, Clock::time_point now);
  /// The one used last comes first. Those are forgotten before whose number no process has any more.
  const std::list<Entry>& alive();

 private:
  using Place = std::list<Entry>::iterator;

  TargetCounts* add(pid_t pid, Clock::time_point now);
  Place forget(Place place);

  StartTime start_time_;
  // The one used last comes first.
  std::list<Entry> entries_;
  std::unordered_map<pid_t, Place> places_;
};

}  // namespace nsenterd::daemon
