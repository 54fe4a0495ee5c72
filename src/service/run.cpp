// run(): modules for callers that block, from whatever thread.
#include <csignal>
#include <future>
#include <mutex>
#include <optional>
#include <semaphore>
#include <system_error>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <nsenterd/module_runner.hpp>

namespace nsenterd {
namespace {

/// A runner with a thread of its own, for the whole program and to its end: the fork server, and all that it forks, end with the thread
/// that started it.
class Keeper {
 public:
  /// Started by the first who needs it; if that fails, by the next.
  static Result<Keeper*> instance() {
    static std::mutex mutex;
    // Never destroyed: nobody knows when the last thread is done with it.
    static Keeper* kept = nullptr;
    const std::lock_guard lock(mutex);
    if (kept == nullptr) {
      auto keeper = std::make_unique<Keeper>();
      if (auto started = keeper->start(); !started) return started.error();
      kept = keeper.release();
    }
    return kept;
  }

  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    if (thread_.joinable()) thread_.join();
  }

  Result<ModuleData> run(const ModuleRun& run) {
    std::optional<Result<ModuleData>> outcome;
    std::binary_semaphore done{0};
    boost::asio::post(context_, [&] {
      runner_->async_run(run, [&](Result<ModuleData> result) {
        outcome = std::move(result);
        done.release();
      });
    });
    done.acquire();
    return std::move(*outcome);
  }

 private:
  Result<void> start() {
    std::promise<Result<void>> started;
    // The program's signals are for its own threads: this one inherits the mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    Result<void> result;
    try {
      thread_ = std::thread([this, &started] { serve(started); });
    } catch (const std::system_error& failure) {
      result = Failure(JoinFailed{"pthread_create", failure.code().value()});
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return result ? started.get_future().get() : result;
  }

  void serve(std::promise<Result<void>>& started) {
    auto created = ModuleRunner::create(context_.get_executor());
    if (!created) return started.set_value(created.error());
    runner_.emplace(std::move(*created));
    const auto work = boost::asio::make_work_guard(context_);
    started.set_value({});
    context_.run();
  }

  // One thread runs it; the others only post.
  boost::asio::io_context context_{1};
  std::optional<ModuleRunner> runner_;
  std::thread thread_;
};

}  // namespace

Result<ModuleData> run(const ModuleRun& run) {
  const auto keeper = Keeper::instance();
  if (!keeper) return keeper.error();
  return (*keeper)->run(run);
}

}  // namespace nsenterd
