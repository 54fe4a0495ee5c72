// What a process does with memory that it has freed. (Daemon and agents.)
#pragma once

#include <malloc.h>

namespace nsenterd::base {

/// Keeps some MiB of it for what comes next: what one long message has taken, the next one needs again, and to give it back and
/// ask for it anew is a page fault for every page (mallopt(3)).
inline void keep_freed_memory() noexcept {
  constexpr int kBytes = 8 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kBytes);
  ::mallopt(M_TRIM_THRESHOLD, kBytes);
}

}  // namespace nsenterd::base
