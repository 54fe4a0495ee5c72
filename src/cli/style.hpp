// Colours, where a person looks, and how wide a text is when it is shown (nsenterctl).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nsenterd::cli {

/// Whether this is a terminal that understands more than lines (TERM).
bool is_capable_terminal(int file) noexcept;

enum class ColorMode { automatic, always, never };

/// "auto", "always" or "never".
std::optional<ColorMode> parse_color(std::string_view text) noexcept;

/// Puts text into colours, or leaves it as it is.
class Painter {
 public:
  explicit Painter(bool colors) noexcept : colors_(colors) {}
  /// For what is written to this descriptor: automatically, if that is a terminal which knows colours (TERM), and the user has
  /// not asked for none (NO_COLOR, see no-color.org).
  Painter(ColorMode mode, int file) noexcept;

  [[nodiscard]] std::string title(std::string text) const { return paint("1", std::move(text)); }
  [[nodiscard]] std::string failure(std::string text) const { return paint("31", std::move(text)); }

 private:
  /// An end of line stays behind the colour.
  [[nodiscard]] std::string paint(std::string_view code, std::string text) const;

  bool colors_;
};

/// How many characters of a line there are to see: of escaped text, and of what a Painter makes of it.
std::size_t shown_width(std::string_view text) noexcept;

/// As much of such a line as that many columns show.
std::string clip(std::string_view text, std::size_t width);

}  // namespace nsenterd::cli
