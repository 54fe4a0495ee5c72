// ModuleRunner: runs modules (module.hpp) on an event loop of the caller's.
//
//   auto runner = nsenterd::ModuleRunner::create(context.get_executor());
//   runner->async_run({.target = pid, .namespaces = nsenterd::Namespaces::all(), .module = "make-directory"},
//                     [](nsenterd::Result<nsenterd::ModuleData> result) { ... });
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/completion.hpp>
#include <nsenterd/module.hpp>

namespace nsenterd {

namespace service {
class EventState;
class ServiceState;
}  // namespace service

struct ModuleRunnerOptions {
  /// Runs under way at most, those included whose processes are stuck; the next is refused with Overloaded, never queued.
  std::size_t max_runs = 512;
};

/// Runs modules of this program without blocking. Everything happens on the executor given. Not thread-safe: to be used where that
/// executor runs; if several threads run it, give this a strand. All processes are children of the thread that creates this, or that
/// runs the executor when a fork server has to be replaced, and end with it (prctl(2), PR_SET_PDEATHSIG): let that be one that stays.
class NSENTERD_API ModuleRunner {
 public:
  /// Copies the program and starts its fork server; blocks until that is ready, at most 5 s. InvalidParameter "init" if init() has not
  /// been called; JoinFailed if the fork server could not be started, or the kernel is too old.
  static Result<ModuleRunner> create(boost::asio::any_io_executor executor,
                                     const ModuleRunnerOptions& options = {});

  ModuleRunner(ModuleRunner&&) noexcept = default;
  ModuleRunner& operator=(ModuleRunner&& other) noexcept;
  ModuleRunner(const ModuleRunner&) = delete;
  ModuleRunner& operator=(const ModuleRunner&) = delete;
  /// Kills what runs, and waits for it for at most a second. Handlers that wait get Terminated.
  ~ModuleRunner();

  /// Starts a run; the token's signature is void(Result<ModuleData>), its errors are those of run() and Terminated: the run was
  /// cancelled through the token's cancellation slot, which kills the module.
  template <class CompletionToken>
  auto async_run(const ModuleRun& run, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(Result<ModuleData>)>(
        [this, &run](auto handler) {
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          auto cancel = start(run, keep_handler<Result<ModuleData>>(std::move(handler), default_executor()));
          if (slot.is_connected())
            slot.assign([cancel = std::move(cancel)](boost::asio::cancellation_type /*type*/) { cancel(); });
        },
        token);
  }

  /// Runs under way.
  [[nodiscard]] std::size_t runs() const noexcept;

 private:
  using Handler = std::function<void(Result<ModuleData>)>;

  explicit ModuleRunner(std::shared_ptr<service::ServiceState> state) noexcept;

  /// What cancels the run, for as long as it is under way. The handler is not called from within this.
  std::function<void()> start(const ModuleRun& run, Handler handler);
  [[nodiscard]] boost::asio::any_io_executor default_executor() const;

  std::shared_ptr<service::ServiceState> state_;
};

}  // namespace nsenterd
