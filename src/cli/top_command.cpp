#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/container_name.hpp"
#include "cli/session.hpp"
#include "cli/top_display.hpp"

namespace nsenterd::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// For how long the daemon may leave a call without an answer, unless the user says otherwise; the session adds to that. A key
/// waits for it, too.
constexpr std::chrono::milliseconds kPatience{500};

struct Top {
  std::chrono::milliseconds interval{1000};
  std::optional<std::uint32_t> count;
};

struct Sample {
  Statistics statistics;
  std::vector<Event> events;
  Clock::time_point taken;
};

Outcome<Sample> take_sample(Session& session) {
  const auto reply = session.call("io.nsenterd.GetStatistics", wire::Json::object());
  if (!reply) return reply.error();
  const auto taken = Clock::now();
  auto statistics = decode_statistics(reply->parameters);
  if (!statistics) return unexpected_answer("statistics");
  const auto list = session.call("io.nsenterd.ListEvents", wire::Json::object());
  if (!list) return list.error();
  auto events = decode_events(list->parameters);
  if (!events) return events.error();
  return Sample{std::move(*statistics), std::move(*events), taken};
}

TopView make_view(const std::optional<Sample>& before, const Sample& now) {
  TopView view;
  view.statistics = now.statistics;
  view.events = now.events;
  view.since_start = !before;
  // A daemon that has just been started has been there for a second, lest everything is infinite.
  view.rates = before
                   ? rates_between(before->statistics, now.statistics, now.taken - before->taken)
                   : rates_between({}, now.statistics,
                                   std::chrono::seconds(std::max<std::uint64_t>(now.statistics.uptime, 1)));
  for (const TargetRate& target : view.rates.targets) view.names.push_back(container_name(target.pid));
  return view;
}

/// Looks at the daemon once in an interval. It may go, and come back: then the counts begin anew.
class Watch {
 public:
  explicit Watch(Options options) : options_(std::move(options)) {
    if (!options_.timeout) options_.timeout = kPatience;
    session_.emplace(options_);
  }

  /// Fails if the daemon is not there.
  Outcome<TopView> look() {
    auto sample = take_sample(*session_);
    if (!sample) {
      // What comes late is no answer to the next call.
      session_.emplace(options_);
      was_lost_ = true;
      before_.reset();
      return sample.error();
    }
    TopView view = make_view(before_, *sample);
    if (std::exchange(was_lost_, false)) view.note = "the connection to the daemon was lost, and made anew";
    before_ = std::move(*sample);
    return view;
  }

 private:
  Options options_;
  std::optional<Session> session_;
  std::optional<Sample> before_;
  bool was_lost_ = false;
};

Outcome<void> top(Session& /*session*/, const Options& options, const Top& top) {
  Watch watch(options);
  auto view = watch.look();
  // Who starts it wants to know at once.
  if (!view) return view.error();
  const auto display = make_top_display(options);
  auto next = Clock::now();
  for (std::uint32_t shown = 1;; ++shown) {
    if (auto done = view ? display->show(std::move(*view)) : display->show_absence(view.error()); !done)
      return done;
    if (top.count && shown >= *top.count) return {};
    // Where the daemon has not answered for longer than that, no interval is made up for.
    next = std::max(next + top.interval, Clock::now());
    const auto wanted = display->wait(next);
    if (!wanted) return wanted.error();
    if (!*wanted) return {};
    view = watch.look();
  }
}

std::optional<std::chrono::milliseconds> parse_interval(std::string_view text) {
  const auto interval = parse_duration(text);
  constexpr std::chrono::milliseconds kShortest{100};
  return interval >= kShortest ? interval : std::nullopt;
}

std::optional<std::uint32_t> parse_count(std::string_view text) {
  const auto count = parse_id(text);
  return count && *count > 0 ? count : std::nullopt;
}

}  // namespace

void declare_top_command(Syntax& program) {
  const auto settings = std::make_shared<Top>();
  program
      .command("top", "Show what the daemon does at present, and for which containers, until q is pressed",
               with(settings, top))
      .option("--interval", parse_interval, settings->interval, "DURATION",
              "The time between two looks, from 100ms on (default: 1s)")
      .option("--count", parse_count, settings->count, "N", "End after so many looks")
      .json();
}

}  // namespace nsenterd::cli
