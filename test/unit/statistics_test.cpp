// Statistics: counts, and percentiles of durations.
#include "daemon/statistics.hpp"

#include <cstdint>

#include "support/catch.hpp"

namespace nsenterd::test {
namespace {

using daemon::Durations;
using daemon::EventOutcome;
using daemon::Statistics;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST_CASE("without durations there is no percentile") {
  const Durations none;
  CHECK(none.percentile(0.5) == 0);
  CHECK(none.percentile(0.99) == 0);
}

TEST_CASE("a percentile is at most an eighth higher than the duration, and never lower") {
  for (std::uint64_t duration = 0; duration < (std::uint64_t{1} << 40U); duration = duration * 9 / 8 + 1) {
    Durations durations;
    durations.record(nanoseconds(static_cast<std::int64_t>(duration)));
    const std::uint64_t shown = durations.percentile(0.5);
    INFO(duration);
    CHECK(shown >= duration);
    CHECK(shown <= duration + duration / 8);
    CHECK(durations.percentile(0.99) == shown);
    CHECK(durations.percentile(0) == 0);
    CHECK(durations.percentile(1) == shown);
  }
}

TEST_CASE("short durations are exact") {
  for (int i = 0; i < 16; ++i) {
    Durations durations;
    durations.record(nanoseconds(i));
    CHECK(durations.percentile(0.5) == static_cast<std::uint64_t>(i));
  }
}

TEST_CASE("longer durations never have a lower percentile") {
  std::uint64_t last = 0;
  for (std::int64_t i = 0; i < 100'000; ++i) {
    Durations durations;
    durations.record(nanoseconds(i));
    const std::uint64_t shown = durations.percentile(1);
    REQUIRE(shown >= last);
    last = shown;
  }
}

TEST_CASE("the longest durations there are have their place") {
  Durations durations;
  durations.record(nanoseconds::max());
  CHECK(durations.percentile(0.5) >= static_cast<std::uint64_t>(nanoseconds::max().count()));
  durations.record(hours(24 * 365));
  CHECK(durations.percentile(0.5) >= static_cast<std::uint64_t>(nanoseconds(hours(24 * 365)).count()));
}

TEST_CASE("a duration below zero counts as none") {
  Durations durations;
  durations.record(milliseconds(-5));
  CHECK(durations.percentile(1) == 0);
}

TEST_CASE("the median and the 99th percentile are those of all durations") {
  Durations durations;
  for (int i = 1; i <= 100; ++i) durations.record(milliseconds(i));
  const auto median = durations.percentile(0.5);
  CHECK(median >= 50'000'000);
  CHECK(median <= 50'000'000 + 50'000'000 / 8);
  const auto p99 = durations.percentile(0.99);
  CHECK(p99 >= 99'000'000);
  CHECK(p99 <= 99'000'000 + 99'000'000 / 8);

  Durations mostly_short;
  for (int i = 0; i < 98; ++i) mostly_short.record(nanoseconds(1));
  mostly_short.record(milliseconds(1000));
  mostly_short.record(milliseconds(1000));
  CHECK(mostly_short.percentile(0.5) == 1);
  CHECK(mostly_short.percentile(0.98) == 1);
  CHECK(mostly_short.percentile(0.99) >= 1'000'000'000);
}

TEST_CASE("outcomes are counted by message") {
  Statistics statistics;
  CHECK(statistics.messages().empty());
  statistics.record("a", EventOutcome::response, milliseconds(1));
  statistics.record("a", EventOutcome::error_response, milliseconds(1));
  statistics.record("a", EventOutcome::error_response, milliseconds(1));
  statistics.record("b", EventOutcome::timed_out, milliseconds(4));
  REQUIRE(statistics.messages().size() == 2);
  const auto& a = statistics.messages().at("a");
  CHECK(a.requests == 3);
  CHECK(a.error_responses == 2);
  CHECK(a.failures == 0);
  const auto& b = statistics.messages().at("b");
  CHECK(b.requests == 1);
  CHECK(b.error_responses == 0);
  CHECK(b.failures == 1);
  CHECK(b.durations.percentile(0.5) >= 4'000'000);
  CHECK(statistics.uptime() >= std::chrono::seconds(0));
  CHECK(statistics.uptime() < std::chrono::seconds(60));
}

TEST_CASE("how many durations were shorter than a power of two is exact") {
  Durations durations;
  for (const std::int64_t duration : {0, 1, 7, 8, 1023, 1024, 1025, 16383, 16384})
    durations.record(nanoseconds(duration));
  CHECK(durations.shorter_than(0) == 1);
  CHECK(durations.shorter_than(1) == 2);
  CHECK(durations.shorter_than(3) == 3);
  CHECK(durations.shorter_than(4) == 4);
  CHECK(durations.shorter_than(10) == 5);
  CHECK(durations.shorter_than(11) == 7);
  CHECK(durations.shorter_than(14) == 8);
  CHECK(durations.shorter_than(15) == durations.count());
  CHECK(durations.sum() == 0 + 1 + 7 + 8 + 1023 + 1024 + 1025 + 16383 + 16384);
}

TEST_CASE("the outcomes of a message are as many as its requests") {
  Statistics statistics;
  for (std::size_t i = 0; i < daemon::kOutcomeNames.size(); ++i) {
    statistics.record("a", static_cast<EventOutcome>(i), milliseconds(1));
  }
  const auto& a = statistics.messages().at("a");
  CHECK(a.requests == daemon::kOutcomeNames.size());
  CHECK(a.error_responses == 1);
  CHECK(a.failures == daemon::kOutcomeNames.size() - 2);
  for (const std::uint64_t count : a.outcomes) CHECK(count == 1);
}

}  // namespace
}  // namespace nsenterd::test
