#include "daemon/open_metrics.hpp"

#include "daemon/build_config.hpp"
#include "daemon/process_usage.hpp"

namespace nsenterd::daemon {
namespace {

/// Buckets end at 2^14 ns (16 us), and at every fourth power of two from there to 2^34 ns (17 s), less the one nanosecond that
/// makes "at most" of "less than".
constexpr unsigned kFirstBucket = 14;
constexpr unsigned kLastBucket = 34;

double seconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

void write_events(MetricsText& text, const Statistics& statistics) {
  text.counter("nsenterd_events", "Events by message type and outcome.");
  for (const auto& [message, counted] : statistics.messages()) {
    for (std::size_t i = 0; i < kOutcomeNames.size(); ++i) {
      text.sample("_total", {{"message", message}, {"outcome", kOutcomeNames.at(i)}}, counted.outcomes.at(i));
    }
  }
  text.histogram("nsenterd_event_duration_seconds", "Time from an accepted request to the end of its event.",
                 "seconds");
  for (const auto& [message, counted] : statistics.messages()) {
    const Durations& durations = counted.durations;
    for (unsigned exponent = kFirstBucket; exponent <= kLastBucket; exponent += 2) {
      const std::string longest = number_text(seconds((std::uint64_t{1} << exponent) - 1));
      text.sample("_bucket", {{"message", message}, {"le", longest}}, durations.shorter_than(exponent));
    }
    text.sample("_bucket", {{"message", message}, {"le", "+Inf"}}, durations.count());
    text.sample("_sum", {{"message", message}}, seconds(durations.sum()));
    text.sample("_count", {{"message", message}}, durations.count());
  }
}

void write_refusals(MetricsText& text, const Refusals& refusals) {
  text.counter("nsenterd_refusals", "Calls and clients that were refused, by reason and limit.");
  text.sample("_total", {{"reason", "permission_denied"}}, refusals.permission_denied);
  text.sample("_total", {{"reason", "invalid_parameter"}}, refusals.invalid_parameter);
  for (const auto& [limit, count] : refusals.overloaded) {
    text.sample("_total", {{"reason", "overloaded"}, {"limit", limit}}, count);
  }
}

void write_state(MetricsText& text, const MetricsState& state) {
  text.gauge("nsenterd_agents", "Agents: running (events under way), warm (kept for events to come), stuck.");
  text.sample("", {{"state", "running"}}, state.events_running);
  text.sample("", {{"state", "warm"}}, state.agents_warm);
  text.sample("", {{"state", "stuck"}}, state.agents_stuck);
  text.gauge("nsenterd_connections", "Connections of clients.");
  text.sample("", {}, state.connections);
  text.counter("nsenterd_fork_server_restarts",
               "Fork servers that replaced one that had ended or was stuck.");
  text.sample("_total", {}, state.fork_server_restarts);
  text.counter("nsenterd_log_records_dropped", "Log records that came faster than they could be written.");
  text.sample("_total", {}, state.records_dropped);
  text.counter("nsenterd_log_records_suppressed", "Log records over the rate limit.");
  text.sample("_total", {}, state.records_suppressed);
}

void write_process(MetricsText& text) {
  const ProcessUsage usage = process_usage();
  text.info("nsenterd_build", "The version of the daemon.");
  text.sample("_info", {{"version", kVersion}}, std::uint64_t{1});
  text.gauge("nsenterd_start_time_seconds", "When the daemon started, in seconds since 1970.", "seconds");
  text.sample("", {}, usage.start_time);
  text.gauge("nsenterd_resident_memory_bytes", "Memory that the daemon occupies, without its agents.",
             "bytes");
  text.sample("", {}, usage.resident_memory);
  text.gauge("nsenterd_open_descriptors", "Descriptors that the daemon has open.");
  text.sample("", {}, usage.open_descriptors);
}

}  // namespace

std::string metrics_text(MetricsFormat format, const Statistics& statistics, const Refusals& refusals,
                         const MetricsState& state) {
  MetricsText text(format);
  write_events(text, statistics);
  write_refusals(text, refusals);
  write_state(text, state);
  write_process(text);
  return std::move(text).finish();
}

}  // namespace nsenterd::daemon
