// What bench-floor reports for each event.
#pragma once

#include <stdint.h>

// Nanoseconds since the event began.
struct floor_times {
  // The response is there.
  uint64_t answered;
  // The agent has been waited for, and everything is closed.
  uint64_t reaped;
};
