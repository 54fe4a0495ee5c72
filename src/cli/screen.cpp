#include "cli/screen.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/standard_streams.hpp"
#include "cli/style.hpp"

namespace nsenterd::cli {
namespace {

// The other screen; no cursor; no new line where one is longer than the screen is wide.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

// Signals that end the program; that stop it, and continue it; and of another size.
constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array kOthers{SIGTSTP, SIGCONT, SIGWINCH};

// Of the one Screen that there is, for the handlers.
termios g_modes;
volatile std::sig_atomic_t g_is_changed = 0;

// Both are called by handlers, so they do only what signal-safety(7) allows. If the terminal has gone, so be it.
void enter() noexcept {
  termios modes = g_modes;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &modes);
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, kEnter.data(), kEnter.size());
}
void leave() noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_modes);
}

// Handlers, each with what the signal does by default.

void end(int signal) {
  leave();
  // Has its default action again (SA_RESETHAND), and is not blocked here (SA_NODEFER).
  std::raise(signal);
}

void changed(int /*signal*/) {
  g_is_changed = 1;
}

void go_on(int /*signal*/) {
  const int error = errno;
  enter();
  g_is_changed = 1;
  errno = error;
}

void stop(int signal) {
  const int error = errno;
  struct sigaction own {};
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  leave();
  ::sigaction(signal, &standard, &own);
  std::raise(signal);
  // Here it goes on, when it is continued, or at once where nobody could continue it (setpgid(2), "orphaned").
  ::sigaction(signal, &own, nullptr);
  enter();
  g_is_changed = 1;
  errno = error;
}

struct sigaction action_of(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  return action;
}

}  // namespace

Screen::Screen() {
  static_assert(kSignals == kEnding.size() + kOthers.size());
  ::tcgetattr(STDIN_FILENO, &g_modes);
  // These are to interrupt wait(), and nothing else.
  sigset_t waiting;
  ::sigemptyset(&waiting);
  ::sigaddset(&waiting, SIGCONT);
  ::sigaddset(&waiting, SIGWINCH);
  ::sigprocmask(SIG_BLOCK, &waiting, &mask_);
  std::size_t saved = 0;
  const auto handle = [&](int signal, void (*handler)(int), int flags) {
    const struct sigaction action = action_of(handler, flags);
    ::sigaction(signal, &action, &actions_.at(saved++));
  };
  for (const int signal : kEnding) handle(signal, end, static_cast<int>(SA_RESETHAND) | SA_NODEFER);
  handle(SIGTSTP, stop, SA_NODEFER | SA_RESTART);
  handle(SIGCONT, go_on, SA_RESTART);
  handle(SIGWINCH, changed, SA_RESTART);
  enter();
}

Screen::~Screen() {
  leave();
  std::size_t saved = 0;
  for (const int signal : kEnding) ::sigaction(signal, &actions_.at(saved++), nullptr);
  for (const int signal : kOthers) ::sigaction(signal, &actions_.at(saved++), nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

Screen::Size Screen::size() noexcept {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {24, 80};
  return {size.ws_row, size.ws_col};
}

Outcome<void> Screen::draw(const std::vector<std::string>& lines) {
  const Size size = Screen::size();
  std::string frame = "\x1b[H";
  for (std::size_t row = 0; row < std::min(size.rows, lines.size()); ++row) {
    if (row > 0) frame += "\r\n";
    // The rest of the row is cleared first: behind the last column there would be nothing but that.
    frame.append("\x1b[K").append(clip(lines[row], size.columns));
  }
  // Below the last row there is nothing to clear, but for what is right of the cursor.
  if (lines.size() < size.rows) frame += "\x1b[J";
  return write_output(frame);
}

Screen::Event Screen::wait(Clock::time_point until, char& key) const {
  for (;;) {
    const auto left = std::max(until - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec limit{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::ppoll(&input, 1, &limit, &mask_);
    if (g_is_changed != 0) {
      g_is_changed = 0;
      return Event::changed;
    }
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Event::time;
    return ready > 0 && ::read(STDIN_FILENO, &key, 1) == 1 ? Event::key : Event::closed;
  }
}

}  // namespace nsenterd::cli
