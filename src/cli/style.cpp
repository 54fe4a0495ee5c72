#include "cli/style.hpp"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

namespace nsenterd::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

bool knows_colors(int file) noexcept {
  const char* const none = std::getenv("NO_COLOR");
  const bool unwanted = none != nullptr && *none != '\0';
  return is_capable_terminal(file) && !unwanted;
}

/// The bytes of the colour sequence that the text begins with, if it does; else of its first character.
struct Unit {
  std::size_t length;
  bool shown;
};

Unit first_unit(std::string_view text) noexcept {
  if (text.front() == '\x1b') return {std::min(text.find('m'), text.size() - 1) + 1, false};
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80) ++length;
  return {length, true};
}

}  // namespace

bool is_capable_terminal(int file) noexcept {
  const char* const terminal = std::getenv("TERM");
  return ::isatty(file) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::optional<ColorMode> parse_color(std::string_view text) noexcept {
  if (text == "auto") return ColorMode::automatic;
  if (text == "always") return ColorMode::always;
  if (text == "never") return ColorMode::never;
  return std::nullopt;
}

Painter::Painter(ColorMode mode, int file) noexcept
    : colors_(mode == ColorMode::always || (mode == ColorMode::automatic && knows_colors(file))) {}

std::string Painter::paint(std::string_view code, std::string text) const {
  if (!colors_) return text;
  const bool ends_line = text.ends_with('\n');
  if (ends_line) text.pop_back();
  std::string painted = "\x1b[";
  painted.append(code).append("m").append(text).append(kReset);
  if (ends_line) painted += '\n';
  return painted;
}

std::size_t shown_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const Unit unit = first_unit(text);
    if (unit.shown) ++width;
    text.remove_prefix(unit.length);
  }
  return width;
}

std::string clip(std::string_view text, std::size_t width) {
  std::string clipped;
  while (!text.empty()) {
    const Unit unit = first_unit(text);
    // What is beyond the edge is left out, but for the end of a colour.
    if (!unit.shown || width > 0) clipped += text.substr(0, unit.length);
    if (unit.shown && width > 0) --width;
    text.remove_prefix(unit.length);
  }
  return clipped;
}

}  // namespace nsenterd::cli
