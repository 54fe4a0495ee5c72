// Results: tables of numbers, as JSON and for a person to read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace nsenterd::bench {

/// Keeps the order in which things were measured.
using Json = nlohmann::ordered_json;

/// `{"unit": UNIT, "rows": {ROW: {COLUMN: NUMBER, ...}, ...}}`, without rows yet.
Json make_table(const char* unit);

/// Puts a whole table among the results, and prints it under its title. A row need not have every column.
void add_table(Json& results, const char* key, const char* title, Json table);

/// The value that this part of the samples, which are not empty, do not exceed; in microseconds, of nanoseconds.
double percentile(std::vector<std::uint64_t> samples, double part);

/// A row: how many samples there are, and those percentiles that at least one of them exceeds.
Json summary(const std::vector<std::uint64_t>& samples);

}  // namespace nsenterd::bench
