#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace nsenterd::bench {
namespace {

using nlohmann::json;

double percentile(std::vector<std::uint64_t> values, double part) {
  const auto at =
      std::min(static_cast<std::size_t>(static_cast<double>(values.size()) * part), values.size() - 1);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return static_cast<double>(values[at]) / 1000.0;
}

json summary(const std::vector<std::uint64_t>& values) {
  return {{"medianMicroseconds", percentile(values, 0.5)}, {"p99Microseconds", percentile(values, 0.99)}};
}

template <class... Values>
std::string line(const char* format, Values... values) {
  std::array<char, 256> buffer;
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

std::string cell(const json& way, const char* kind, const char* number) {
  if (!way.contains(kind)) return "-";
  return line("%.1f", way[kind][number].get<double>());
}

}  // namespace

json make_report(const std::vector<Measured>& measured, const std::vector<Goal>& goals,
                 const std::vector<MeasuredMemory>& memory) {
  json report{{"ways", json::array()}, {"ratios", json::array()}, {"memory", json::array()}};
  std::map<std::string, json> by_name;
  for (const auto& [name, samples] : measured) {
    json way{{"name", name}, {"events", samples.answered.size()}, {"answered", summary(samples.answered)}};
    if (!samples.complete.empty()) way["complete"] = summary(samples.complete);
    by_name[name] = way;
    report["ways"].push_back(std::move(way));
  }
  for (const Goal& goal : goals) {
    const auto above = by_name.find(goal.numerator);
    const auto below = by_name.find(goal.denominator);
    if (above == by_name.end() || below == by_name.end()) continue;
    json ratio{{"name", goal.name}, {goal.at_least ? "goalAtLeast" : "goalAtMost", goal.value}};
    // Like with like: a ratio of an answer to a whole event would flatter.
    for (const char* kind : {"answered", "complete"}) {
      if (!above->second.contains(kind) || !below->second.contains(kind)) continue;
      ratio[kind] = above->second[kind]["medianMicroseconds"].get<double>() /
                    below->second[kind]["medianMicroseconds"].get<double>();
    }
    report["ratios"].push_back(std::move(ratio));
  }
  for (const auto& [name, used, goal] : memory) {
    report["memory"].push_back({{"name", name},
                                {"residentKibibytes", used.resident},
                                {"unsharedKibibytes", used.unshared},
                                {"goalAtMostKibibytes", goal}});
  }
  return report;
}

std::string to_table(const json& report) {
  std::string table = "microseconds      events    answer       p99  complete       p99\n";
  for (const json& way : report["ways"]) {
    table += line("%-16s %7zu %9s %9s %9s %9s\n", way["name"].get<std::string>().c_str(),
                  way["events"].get<std::size_t>(), cell(way, "answered", "medianMicroseconds").c_str(),
                  cell(way, "answered", "p99Microseconds").c_str(),
                  cell(way, "complete", "medianMicroseconds").c_str(),
                  cell(way, "complete", "p99Microseconds").c_str());
  }
  table += "\nratio of medians            answer  complete      goal\n";
  for (const json& ratio : report["ratios"]) {
    const bool at_least = ratio.contains("goalAtLeast");
    const auto number = [&](const char* kind) {
      return ratio.contains(kind) ? line("%.2f", ratio[kind].get<double>()) : std::string("-");
    };
    table += line("%-24s %9s %9s %6s%.1f\n", ratio["name"].get<std::string>().c_str(),
                  number("answered").c_str(), number("complete").c_str(),
                  at_least ? ">= " : "<= ", ratio[at_least ? "goalAtLeast" : "goalAtMost"].get<double>());
  }
  table += "\nKiB                       resident  unshared      goal (resident)\n";
  for (const json& process : report["memory"]) {
    table +=
        line("%-24s %9zu %9zu    <= %zu\n", process["name"].get<std::string>().c_str(),
             process["residentKibibytes"].get<std::size_t>(), process["unsharedKibibytes"].get<std::size_t>(),
             process["goalAtMostKibibytes"].get<std::size_t>());
  }
  return table;
}

}  // namespace nsenterd::bench
