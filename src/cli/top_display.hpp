// Where `top` shows what it has found: on a terminal, as tables one after the other, or as JSON (nsenterctl).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "cli/options.hpp"
#include "cli/top_view.hpp"

namespace nsenterd::cli {

class TopDisplay {
 public:
  using Clock = std::chrono::steady_clock;

  TopDisplay() = default;
  TopDisplay(const TopDisplay&) = delete;
  TopDisplay& operator=(const TopDisplay&) = delete;
  virtual ~TopDisplay() = default;

  virtual Outcome<void> show(TopView view) = 0;
  /// There is nothing to show, because the daemon is not there.
  virtual Outcome<void> show_absence(const Stop& why) = 0;
  /// False if the user has had enough.
  virtual Outcome<bool> wait(Clock::time_point until) = 0;
};

/// As the options and the standard streams have it.
std::unique_ptr<TopDisplay> make_top_display(const Options& options);

}  // namespace nsenterd::cli
