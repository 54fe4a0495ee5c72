#include "cli/top_display.hpp"

#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

#include "cli/escape.hpp"
#include "cli/screen.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

class TopScreen : public TopDisplay {
 public:
  explicit TopScreen(ColorMode color) : painter_(color, STDOUT_FILENO) {}

  Outcome<void> show(TopView view) override {
    // Long enough to be read.
    constexpr std::chrono::seconds kNoted{10};
    if (view.note.empty() && Clock::now() < noted_until_)
      view.note = view_.note;
    else if (!view.note.empty())
      noted_until_ = Clock::now() + kNoted;
    view_ = std::move(view);
    return draw();
  }
  Outcome<void> show_absence(const Stop& why) override {
    view_.note = why.reason;
    return draw();
  }
  Outcome<bool> wait(Clock::time_point until) override {
    for (;;) {
      char key = 0;
      switch (screen_.wait(until, key)) {
        case Screen::Event::time: return true;
        case Screen::Event::closed: return false;
        case Screen::Event::key:
          if (key == 'q' || key == 'Q') return false;
          break;
        case Screen::Event::changed:
          if (auto drawn = draw(); !drawn) return drawn.error();
          break;
      }
    }
  }

 private:
  Outcome<void> draw() { return Screen::draw(top_lines(view_, painter_, Screen::size().rows)); }

  Painter painter_;
  TopView view_;
  Clock::time_point noted_until_{};
  Screen screen_;
};

/// Anything that is written line by line.
class TopLines : public TopDisplay {
 public:
  explicit TopLines(const Options& options) : options_(&options) {}

  Outcome<void> show_absence(const Stop& why) override {
    report(why, options_->color);
    return {};
  }
  Outcome<bool> wait(Clock::time_point until) override {
    std::this_thread::sleep_until(until);
    return true;
  }

 protected:
  const Options* options_;
};

class TopTables : public TopLines {
 public:
  using TopLines::TopLines;

  Outcome<void> show(TopView view) override {
    std::string text = std::exchange(separator_, "\n");
    for (const std::string& line : top_lines(view, Painter(options_->color, STDOUT_FILENO))) {
      text.append(line).append("\n");
    }
    return write_output(text);
  }

 private:
  const char* separator_ = "";
};

class TopJson : public TopLines {
 public:
  using TopLines::TopLines;

  Outcome<void> show(TopView view) override { return write_json(top_json(view)); }
};

}  // namespace

std::unique_ptr<TopDisplay> make_top_display(const Options& options) {
  if (options.json) return std::make_unique<TopJson>(options);
  if (is_capable_terminal(STDIN_FILENO) && is_capable_terminal(STDOUT_FILENO))
    return std::make_unique<TopScreen>(options.color);
  return std::make_unique<TopTables>(options);
}

}  // namespace nsenterd::cli
