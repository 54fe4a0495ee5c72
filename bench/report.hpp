// What the measurements say, as a table and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "way.hpp"

namespace nsenterd::bench {

struct Measured {
  std::string name;
  Samples samples;
};

struct MeasuredMemory {
  std::string name;
  Memory memory;
  /// KiB.
  std::uint64_t goal = 0;
};

struct Goal {
  std::string name;
  std::string numerator;
  std::string denominator;
  double value = 0;
  /// Whether the ratio should be at least the value, rather than at most.
  bool at_least = false;
};

/// Ratios of medians; one whose ways have not both been measured is left out.
nlohmann::json make_report(const std::vector<Measured>& measured, const std::vector<Goal>& goals,
                           const std::vector<MeasuredMemory>& memory);

std::string to_table(const nlohmann::json& report);

}  // namespace nsenterd::bench
