#include "cli/rates.hpp"

#include <algorithm>
#include <map>

namespace nsenterd::cli {
namespace {

template <class Counts>
bool continues(const Counts& before, const Counts& after) {
  return before.requests <= after.requests && before.error_responses <= after.error_responses &&
         before.failures <= after.failures;
}

template <class Counts>
Rate rate_between(const Counts& before, const Counts& after, std::chrono::duration<double> interval) {
  const auto in_a_second = [&](std::uint64_t old, std::uint64_t now) {
    return static_cast<double>(now - old) / interval.count();
  };
  return {in_a_second(before.requests, after.requests),
          in_a_second(before.error_responses, after.error_responses),
          in_a_second(before.failures, after.failures)};
}

template <class Row>
void sort_by_requests(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.rate.requests > b.rate.requests; });
}

std::vector<MessageRate> message_rates(const Statistics& before, const Statistics& after, Rates& rates) {
  std::map<std::string, MessageCounts> old;
  for (const MessageCounts& counts : before.messages) old[counts.message] = counts;
  std::vector<MessageRate> rows;
  for (const MessageCounts& now : after.messages) {
    MessageCounts& then = old[now.message];
    if (!continues(then, now)) then = {};
    const Rate rate = rate_between(then, now, rates.interval);
    rates.all.requests += rate.requests;
    rates.all.error_responses += rate.error_responses;
    rates.all.failures += rate.failures;
    rows.push_back({now.message, rate, now.median, now.p99});
  }
  sort_by_requests(rows);
  return rows;
}

std::vector<TargetRate> target_rates(const Statistics& before, const Statistics& after,
                                     std::chrono::duration<double> interval) {
  std::map<pid_t, TargetCounts> old;
  for (const TargetCounts& counts : before.targets) old[counts.pid] = counts;
  std::vector<TargetRate> rows;
  for (const TargetCounts& now : after.targets) {
    if (now.pid == 0) continue;
    TargetCounts& then = old[now.pid];
    if (!continues(then, now) || then.total > now.total) then = {};
    std::optional<std::uint64_t> mean;
    if (now.requests > then.requests) mean = (now.total - then.total) / (now.requests - then.requests);
    rows.push_back({now.pid, rate_between(then, now, interval), mean});
  }
  sort_by_requests(rows);
  return rows;
}

}  // namespace

Rates rates_between(const Statistics& before, const Statistics& after,
                    std::chrono::duration<double> interval) {
  Rates rates{.interval = interval};
  rates.messages = message_rates(before, after, rates);
  rates.targets = target_rates(before, after, interval);
  return rates;
}

}  // namespace nsenterd::cli
