// What happens between the join and the exit (runs inside the container).
#pragma once

namespace nsenterd::agent {

/// Receives one request on the event's socket, runs it, answers, and returns the process's exit status.
int run();

}  // namespace nsenterd::agent
