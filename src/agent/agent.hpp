// What happens between the join and the exit (runs inside the container).
#pragma once

namespace nsenterd::agent {

/// Receives the requests of events on the socket, runs them one after the other, and answers each, until an operation has
/// changed the process or the service has closed its end.
void run();

}  // namespace nsenterd::agent
