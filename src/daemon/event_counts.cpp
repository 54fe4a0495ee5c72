#include "daemon/event_counts.hpp"

#include <string>
#include <variant>

#include "daemon/event_outcome.hpp"

namespace nsenterd::daemon {
namespace {

using wire::Json;

void count(TargetCounts& counts, EventOutcome outcome) {
  ++counts.requests;
  if (outcome == EventOutcome::error_response) ++counts.error_responses;
  if (is_failure(outcome)) ++counts.failures;
}

/// 0 where it was given by namespaces alone.
pid_t target_of(const NSenterEvent& event) {
  const auto* const pinned = std::get_if<Target>(&event.parameters().target);
  return pinned != nullptr ? pinned->pid() : std::get<pid_t>(event.parameters().target);
}

/// In whole ones, upwards: none is shown shorter than it was.
std::uint64_t microseconds(std::uint64_t nanoseconds) {
  return (nanoseconds + 999) / 1000;
}

}  // namespace

void EventCounts::record(const ClientEvent& client, const Result<void>& result) {
  const NSenterEvent& event = client.event;
  const auto now = Statistics::Clock::now();
  const auto duration = now - client.accepted;
  const pid_t pid = target_of(event);
  TargetCounts* const target = pid != 0 ? targets_.use(pid, now) : nullptr;
  if (target != nullptr) target->total += duration;
  const auto record_message = [&](const std::string& message, EventOutcome outcome) {
    statistics_.record(message, outcome, duration);
    if (target != nullptr) count(*target, outcome);
  };
  record_message(event.request().type, outcome_of(event, result));
  const auto& following = event.following_response_texts();
  for (std::size_t i = 0; i < following.size(); ++i) {
    record_message(event.parameters().following_requests[i].type, outcome_of(following[i]));
  }
}

void EventCounts::record_steps(const varlink::CallTimes& call, const ClientEvent& client,
                               Statistics::Clock::time_point encoded) {
  const EventTimes& event = client.event.times();
  statistics_.record(Step::accept, call.read - call.accepted);
  statistics_.record(Step::parse, client.decoded - call.read);
  statistics_.record(Step::check, event.checked - client.decoded);
  statistics_.record(event.warm ? Step::reuse : Step::spawn, event.given - event.checked);
  statistics_.record(Step::join, event.answered - event.given - event.operation);
  statistics_.record(Step::operation, event.operation);
  statistics_.record(Step::encode, encoded - event.answered);
  statistics_.record(Step::send, call.replied - encoded);
}

Json EventCounts::messages() const {
  Json list = Json::array();
  for (const auto& [message, counted] : statistics_.messages()) {
    list.push_back({{"message", message},
                    {"requests", counted.requests},
                    {"errorResponses", counted.error_responses},
                    {"failures", counted.failures},
                    {"medianMicroseconds", microseconds(counted.durations.percentile(0.5))},
                    {"p99Microseconds", microseconds(counted.durations.percentile(0.99))}});
  }
  return list;
}

Json EventCounts::steps() const {
  Json list = Json::array();
  for (std::size_t i = 0; i < kStepNames.size(); ++i) {
    const Durations& step = statistics_.steps()[i];
    list.push_back({{"step", kStepNames[i]},
                    {"count", step.count()},
                    {"medianNanoseconds", step.percentile(0.5)},
                    {"p99Nanoseconds", step.percentile(0.99)}});
  }
  return list;
}

Json EventCounts::targets(ClientPids& pids, const varlink::Peer& reader) {
  static_cast<void>(pids.of(reader));
  Json list = Json::array();
  for (const TargetTable::Entry& entry : targets_.alive()) {
    const auto nanoseconds = static_cast<std::uint64_t>(entry.counts.total.count());
    list.push_back({{"pid", pids.to_peer(reader, entry.pid)},
                    {"requests", entry.counts.requests},
                    {"errorResponses", entry.counts.error_responses},
                    {"failures", entry.counts.failures},
                    {"totalMicroseconds", microseconds(nanoseconds)}});
  }
  return list;
}

}  // namespace nsenterd::daemon
