// An interrupted benchmark leaves nothing behind: it ends as after a failure, so that every destructor runs.
#pragma once

namespace nsenterd::bench {

/// From now on SIGINT and SIGTERM do no more than end a system call that waits, and make check_interrupted throw.
void catch_interrupts();

/// Throws std::runtime_error once there was such a signal. Called between batches.
void check_interrupted();

}  // namespace nsenterd::bench
