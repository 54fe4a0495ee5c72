// Tables whose rows are known one after the other, so that the columns' widths are given (nsenterctl).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace nsenterd::cli {

struct Column {
  const char* title;
  /// A cell that is wider moves the others of its row. The last column is never padded.
  std::size_t width;
  /// Flush right, as numbers are.
  bool number;
};

/// A line of the titles.
std::string format_titles(std::span<const Column> columns);
/// A line of as many cells as there are columns.
std::string format_cells(std::span<const Column> columns, std::span<const std::string> cells);

/// "3d 04:05:06"; the days only if there are any.
std::string uptime_text(std::uint64_t seconds);

/// In a unit that leaves at most four digits before the point, if there is one: "870ns", "351.2us", "20.4ms", "12.0s".
std::string duration_text(std::uint64_t nanoseconds);

}  // namespace nsenterd::cli
