#include "cli/columns.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "cli/style.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::uint64_t kMicrosecond = 1000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;

/// With one digit after the point, cut off.
std::string tenths(std::uint64_t value, std::uint64_t unit, const char* name) {
  return std::to_string(value / unit) + '.' + std::to_string(value % unit * 10 / unit) + name;
}

}  // namespace

std::string format_titles(std::span<const Column> columns) {
  std::vector<std::string> titles;
  for (const Column& column : columns) titles.emplace_back(column.title);
  return format_cells(columns, titles);
}

std::string format_cells(std::span<const Column> columns, std::span<const std::string> cells) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool last = i + 1 == columns.size();
    const std::string blanks(columns[i].width - std::min(columns[i].width, shown_width(cells[i])), ' ');
    if (columns[i].number) line += blanks;
    line += cells[i];
    if (!columns[i].number && !last) line += blanks;
    line += last ? "\n" : "  ";
  }
  return line;
}

std::string uptime_text(std::uint64_t seconds) {
  constexpr std::uint64_t kDay = 86400;
  std::array<char, 16> clock{};
  const auto rest = static_cast<unsigned>(seconds % kDay);
  std::snprintf(clock.data(), clock.size(), "%02u:%02u:%02u", rest / 3600, rest / 60 % 60, rest % 60);
  return (seconds < kDay ? "" : std::to_string(seconds / kDay) + "d ") + clock.data();
}

std::string duration_text(std::uint64_t nanoseconds) {
  if (nanoseconds < kMicrosecond) return std::to_string(nanoseconds) + "ns";
  if (nanoseconds < kMillisecond) return tenths(nanoseconds, kMicrosecond, "us");
  if (nanoseconds < kSecond) return tenths(nanoseconds, kMillisecond, "ms");
  return tenths(nanoseconds, kSecond, "s");
}

}  // namespace nsenterd::cli
