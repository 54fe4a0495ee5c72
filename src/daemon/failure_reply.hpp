// Failures of events as errors of io.nsenterd (daemon).
#pragma once

#include <nsenterd/failure.hpp>

#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Replies to the call with the error that the failure is.
void reply_failure(varlink::Call& call, const Failure& failure);

}  // namespace nsenterd::daemon
