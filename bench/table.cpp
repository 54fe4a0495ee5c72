#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <utility>

namespace nsenterd::bench {
namespace {

std::vector<std::string> columns_of(const Json& rows) {
  std::vector<std::string> columns;
  for (const auto& row : rows) {
    for (const auto& [column, ignored] : row.items()) {
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
    }
  }
  return columns;
}

void print_cell(const std::string& text, std::size_t width) {
  std::cout << std::string(width - std::min(width, text.size()), ' ') << text;
}

std::string to_text(const Json& number) {
  std::array<char, 64> buffer;
  const bool whole = number.is_number_integer() || number.get<double>() >= 1000;
  std::snprintf(buffer.data(), buffer.size(), whole ? "%.0f" : "%.1f", number.get<double>());
  return buffer.data();
}

void print_table(const std::string& title, const Json& table) {
  constexpr std::size_t kFirst = 24;
  constexpr std::size_t kOther = 10;
  const Json& rows = table["rows"];
  const auto columns = columns_of(rows);
  std::cout << '\n' << title << " (" << table["unit"].get<std::string>() << ")\n" << std::string(kFirst, ' ');
  for (const auto& column : columns) print_cell(column, std::max(kOther, column.size() + 2));
  std::cout << '\n';
  for (const auto& [name, row] : rows.items()) {
    std::cout << name << std::string(kFirst - std::min(kFirst, name.size()), ' ');
    for (const auto& column : columns) {
      print_cell(row.contains(column) ? to_text(row[column]) : "-", std::max(kOther, column.size() + 2));
    }
    std::cout << '\n';
  }
  std::cout << std::flush;
}

}  // namespace

Json make_table(const char* unit) {
  return {{"unit", unit}, {"rows", Json::object()}};
}

void add_table(Json& results, const char* key, const char* title, Json table) {
  print_table(title, table);
  results[key] = std::move(table);
}

double percentile(std::vector<std::uint64_t> samples, double part) {
  const auto at =
      std::min(static_cast<std::size_t>(static_cast<double>(samples.size()) * part), samples.size() - 1);
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(at), samples.end());
  return static_cast<double>(samples[at]) / 1000.0;
}

Json summary(const std::vector<std::uint64_t>& samples) {
  Json row{{"events", samples.size()}};
  const std::array<std::pair<const char*, double>, 4> parts{
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};
  for (const auto& [name, part] : parts) {
    if (static_cast<double>(samples.size()) * (1 - part) >= 0.99) row[name] = percentile(samples, part);
  }
  return row;
}

}  // namespace nsenterd::bench
