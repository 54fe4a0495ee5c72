#include "daemon/event_outcome.hpp"

#include <string_view>

namespace nsenterd::daemon {
namespace {

constexpr std::string_view kErrorResponse = R"({"message":"errorResponse")";

struct OutcomeOfFailure {
  EventOutcome operator()(const NoSuchTarget&) const { return EventOutcome::no_such_target; }
  EventOutcome operator()(const JoinFailed&) const { return EventOutcome::join_failed; }
  EventOutcome operator()(const TimedOut&) const { return EventOutcome::timed_out; }
  EventOutcome operator()(const AgentDied&) const { return EventOutcome::agent_died; }
  EventOutcome operator()(const Denied&) const { return EventOutcome::denied; }
  EventOutcome operator()(const Overloaded&) const { return EventOutcome::overloaded; }
  EventOutcome operator()(const Terminated&) const { return EventOutcome::terminated; }
  // Not counted, and never run here.
  EventOutcome operator()(const InvalidParameter&) const { return EventOutcome::terminated; }
  EventOutcome operator()(const ModuleFailed&) const { return EventOutcome::agent_died; }
};

}  // namespace

EventOutcome outcome_of(const std::string& response) {
  return response.starts_with(kErrorResponse) ? EventOutcome::error_response : EventOutcome::response;
}

EventOutcome outcome_of(const NSenterEvent& event, const Result<void>& result) {
  if (result) return outcome_of(event.response_text());
  return std::visit(OutcomeOfFailure{}, static_cast<const Failure::variant&>(result.error()));
}

}  // namespace nsenterd::daemon
