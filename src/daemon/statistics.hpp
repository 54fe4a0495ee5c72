// What has been counted since the daemon started (daemon).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace nsenterd::daemon {

/// Durations by magnitude, in nanoseconds: eight classes to each power of two, so a percentile is at most an eighth too high. No
/// memory is asked for when one is recorded.
class Durations {
 public:
  void record(std::chrono::steady_clock::duration duration) noexcept;
  /// Nanoseconds that `fraction` of the durations do not exceed; 0 if there are none.
  [[nodiscard]] std::uint64_t percentile(double fraction) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
  /// How many were shorter than 2^exponent nanoseconds: exactly, the classes end there. `exponent` is less than 64.
  [[nodiscard]] std::uint64_t shorter_than(unsigned exponent) const noexcept;
  /// Nanoseconds, of all of them one after the other.
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  static constexpr unsigned kFineBits = 3;
  static constexpr std::size_t kClasses = (64 - kFineBits + 1) << kFineBits;

  std::array<std::uint64_t, kClasses> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t sum_ = 0;
};

/// How an event ended: with a response, or with one of the failures that events have.
enum class EventOutcome {
  response,
  error_response,
  no_such_target,
  join_failed,
  timed_out,
  agent_died,
  terminated,
  denied,
  overloaded,
};
inline constexpr std::array<const char*, 9> kOutcomeNames{"response",    "error_response", "no_such_target",
                                                          "join_failed", "timed_out",      "agent_died",
                                                          "terminated",  "denied",         "overloaded"};

/// Whether no agent has answered at all.
constexpr bool is_failure(EventOutcome outcome) noexcept {
  return outcome != EventOutcome::response && outcome != EventOutcome::error_response;
}

struct MessageStatistics {
  std::uint64_t requests = 0;
  /// Answered, but with an errorResponse.
  std::uint64_t error_responses = 0;
  /// Not answered by an agent at all.
  std::uint64_t failures = 0;
  /// All requests, by their EventOutcome.
  std::array<std::uint64_t, kOutcomeNames.size()> outcomes{};
  /// From the accepted request to its reply.
  Durations durations;
};

/// What the time goes to between a request and its reply, one after the other.
enum class Step {
  /// Reading the call from the socket.
  accept,
  /// From JSON to parameters.
  parse,
  /// The payload, the parameters, and the target, unless a warm agent could begin before that.
  check,
  /// Until an agent of its own had the request.
  spawn,
  /// Until a warm agent had the request.
  reuse,
  /// What of the time until its answer the agent did not work: joining, and waking up on either side.
  join,
  operation,
  /// The answer, until it was a reply.
  encode,
  /// Giving the reply to the socket.
  send,
};
inline constexpr std::array<const char*, 9> kStepNames{"accept", "parse",     "check",  "spawn", "reuse",
                                                       "join",   "operation", "encode", "send"};

class Statistics {
 public:
  using Clock = std::chrono::steady_clock;

  void record(const std::string& message, EventOutcome outcome, Clock::duration duration);
  void record(Step step, Clock::duration duration) noexcept {
    steps_[static_cast<std::size_t>(step)].record(duration);
  }

  [[nodiscard]] const std::map<std::string, MessageStatistics>& messages() const noexcept {
    return messages_;
  }
  /// In the order of kStepNames.
  [[nodiscard]] const std::array<Durations, kStepNames.size()>& steps() const noexcept { return steps_; }
  [[nodiscard]] std::chrono::seconds uptime() const noexcept {
    return std::chrono::floor<std::chrono::seconds>(Clock::now() - started_);
  }

 private:
  Clock::time_point started_ = Clock::now();
  // By message type; there are as many as operations.
  std::map<std::string, MessageStatistics> messages_;
  std::array<Durations, kStepNames.size()> steps_;
};

}  // namespace nsenterd::daemon
