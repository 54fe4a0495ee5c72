// The terminal while a live view has it: another screen, no cursor, keys as they are typed (nsenterctl).
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include "cli/outcome.hpp"

namespace nsenterd::cli {

/// Has the terminal, which standard input and output have to be, from here to its end. The terminal gets back what it was on every
/// other way out as well: when a signal ends the program, and, for as long as it is stopped, when one stops it. One at a time.
class Screen {
 public:
  using Clock = std::chrono::steady_clock;

  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  struct Size {
    std::size_t rows;
    std::size_t columns;
  };
  /// As it is now; 24 x 80 if the terminal does not know.
  [[nodiscard]] static Size size() noexcept;

  /// Puts the lines, from the first row on, in the place of all that is there; what does not fit is left out.
  [[nodiscard]] static Outcome<void> draw(const std::vector<std::string>& lines);

  enum class Event { time, key, changed, closed };
  /// Waits until then, or until a key has been pressed, which goes to `key`; until the screen is to be drawn anew; or until there is
  /// no terminal any more.
  Event wait(Clock::time_point until, char& key) const;

 private:
  static constexpr std::size_t kSignals = 7;

  // What the signals did, and which were blocked, before.
  std::array<struct sigaction, kSignals> actions_{};
  sigset_t mask_{};
};

}  // namespace nsenterd::cli
