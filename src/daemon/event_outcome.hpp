// How an event ended, as the statistics count it (daemon).
#pragma once

#include <string>

#include <nsenterd/event.hpp>

#include "daemon/statistics.hpp"

namespace nsenterd::daemon {

/// Of one response, as text.
EventOutcome outcome_of(const std::string& response);
/// Of an event, by its first response, where there is one.
EventOutcome outcome_of(const NSenterEvent& event, const Result<void>& result);

}  // namespace nsenterd::daemon
