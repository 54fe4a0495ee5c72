// A module runner with its event loop, for tests. Asio stays behind this header.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include <nsenterd/module.hpp>

#include "support/container.hpp"

namespace nsenterd::test {

/// A run in all of the container's namespaces.
ModuleRun in(const Container& container, std::string module, std::string argument = {});

/// "ok: BYTES", or the failure as text.
std::string outcome_of(const Result<ModuleData>& result);
/// Of run().
std::string outcome_of(const ModuleRun& run);

/// How a run that was started went on.
struct Started {
  std::optional<std::string> outcome;
  /// Cancels it.
  std::function<void()> cancel;
};

class Runner {
 public:
  explicit Runner(std::size_t max_runs = 512);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  std::shared_ptr<Started> start(const ModuleRun& run);
  /// Runs the loop until the run is done; throws std::runtime_error if that takes 20 seconds.
  std::string finish(const Started& started);
  std::string ask(const ModuleRun& run) { return finish(*start(run)); }
  [[nodiscard]] std::size_t runs() const;
  bool run_until(const std::function<bool()>& predicate);
  /// Its fork server.
  [[nodiscard]] pid_t fork_server() const;
  /// How many children there are that were not before it, without the fork server.
  [[nodiscard]] std::size_t agents() const;
  void destroy();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nsenterd::test
