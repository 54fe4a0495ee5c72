// Handlers that need no container, and layers around handlers. (Agent.)
#pragma once

#include "counters.hpp"
#include "handler.hpp"

namespace seccomp_agent {

/// Always answers the same.
Handler answer_with(FixedAnswer answer);

/// Writes each call and its answer to the log.
Handler logged(Handler handler);

/// Counts each call by its answer. The counters have to outlive the handler.
Handler counted(Handler handler, Counters& counters);

}  // namespace seccomp_agent
