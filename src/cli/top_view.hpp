// What `top` shows, as text (nsenterctl).
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "cli/event_list.hpp"
#include "cli/rates.hpp"
#include "cli/statistics.hpp"
#include "cli/style.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

struct TopView {
  Statistics statistics;
  std::vector<Event> events;
  Rates rates;
  /// Whether the rates are those since the daemon's start.
  bool since_start = false;
  /// Of the targets, in their order; as they came, so anything.
  std::vector<std::string> names;
  /// What has happened to the daemon; empty if nothing.
  std::string note;
};

inline constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

/// Lines without their ends: as many as there are rows, at most. The containers give way first, then the messages.
std::vector<std::string> top_lines(const TopView& view, const Painter& painter, std::size_t rows = kAllRows);

wire::Json top_json(const TopView& view);

}  // namespace nsenterd::cli
