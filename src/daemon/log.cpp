#include "daemon/log.hpp"

#include <csignal>
#include <future>
#include <system_error>
#include <thread>

#include <linux/close_range.h>
#include <spdlog/async.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "daemon/journal_sink.hpp"
#include "daemon/log_format.hpp"
#include "daemon/stream_sink.hpp"

namespace nsenterd::daemon {
namespace {

/// Records that may wait to be written; when there are more, the oldest are dropped.
constexpr std::size_t kQueue = 4096;

constexpr std::chrono::seconds kEndPatience{2};

std::shared_ptr<spdlog::sinks::sink> make_sink(LogFormat format) {
  if (format == LogFormat::journal || (format == LogFormat::automatic && stderr_is_journal())) {
    return make_journal_sink();
  }
  auto sink = std::make_shared<StreamSink>();
  if (format == LogFormat::json) {
    sink->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    sink->set_formatter(std::make_unique<TextFormatter>());
  }
  return sink;
}

/// Starts a thread that no signal is delivered to: they are for the event loop.
template <class Start>
auto without_signals(Start start) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto started = start();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

/// Agents see by the daemon's descriptors that it has ended. They are closed when the last of the threads that share them has: an agent that asks
/// in between, when its parent, the event loop's thread, is gone already, would take it for alive, and stay.
void give_up_descriptors() {
  base::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_UNSHARE);
}

}  // namespace

Log::Log(const LogOptions& options)
    : audit_(options.audit), rate_(options.rate_limit, options.rate_interval) {
  const auto sink = make_sink(options.format);
  thread_ = without_signals(
      [] { return std::make_shared<spdlog::details::thread_pool>(kQueue, 1, give_up_descriptors); });
  const auto make_logger = [&](const char* name) {
    auto logger = std::make_shared<spdlog::async_logger>(name, sink, thread_,
                                                         spdlog::async_overflow_policy::overrun_oldest);
    logger->set_level(options.level);
    // Its own way would be to write to standard error, on whichever thread.
    logger->set_error_handler([](const std::string&) {});
    return logger;
  };
  records_ = make_logger(kRecordLogger);
  former_ = spdlog::default_logger();
  spdlog::set_default_logger(make_logger("text"));
}

Log::~Log() {
  say_suppressed(RateLimit::Clock::time_point::max());
  say_dropped();
  spdlog::set_default_logger(former_);
  records_.reset();
  // Its end waits for all that is queued, without a limit; so it is another thread that waits for it.
  auto written = std::make_shared<std::promise<void>>();
  const auto done = written->get_future();
  try {
    std::thread([thread = std::move(thread_), written]() mutable {
      thread.reset();
      written->set_value();
    }).detach();
  } catch (const std::system_error&) {
    // Without another thread this one has waited.
    return;
  }
  done.wait_for(kEndPatience);
}

void Log::configure(const LogOptions& options) {
  audit_ = options.audit;
  rate_.set_limit(options.rate_limit, options.rate_interval);
  records_->set_level(options.level);
  spdlog::set_level(options.level);
}

bool Log::admits(RecordKind kind) {
  return records_->should_log(info_of(kind).level) && rate_.admits(kind, RateLimit::Clock::now());
}

void Log::post(const Record& record) {
  say_suppressed(RateLimit::Clock::now());
  // As soon as there is room for it to get through.
  if (thread_->queue_size() < kQueue / 2) say_dropped();
  const auto level = info_of(static_cast<RecordKind>(record.text().front())).level;
  records_->log(level, spdlog::string_view_t(record.text()));
}

void Log::say_suppressed(RateLimit::Clock::time_point now) {
  while (const auto suppressed = rate_.take_suppressed(now)) {
    Record record(RecordKind::records_suppressed);
    record.add(Field::of_kind, info_of(suppressed->first).name);
    record.add(Field::count, suppressed->second);
    records_->log(info_of(RecordKind::records_suppressed).level, spdlog::string_view_t(record.text()));
  }
}

void Log::say_dropped() {
  const std::uint64_t count = dropped() - dropped_said_;
  if (count == 0) return;
  dropped_said_ += count;
  Record record(RecordKind::records_dropped);
  record.add(Field::count, count);
  records_->log(info_of(RecordKind::records_dropped).level, spdlog::string_view_t(record.text()));
}

std::uint64_t Log::dropped() const {
  return thread_->overrun_counter();
}

}  // namespace nsenterd::daemon
