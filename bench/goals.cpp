#include "goals.hpp"

#include <array>
#include <cstdio>

namespace nsenterd::bench {
namespace {

using Pointer = Json::json_pointer;

struct Goal {
  const char* name;
  const char* figure;
  /// What the figure is divided by; null if it is a goal by itself.
  const char* base;
  double value;
  bool at_least = false;
};

constexpr std::array kGoals{
    Goal{"warm library / floor", "/latency/rows/warm library/p50", "/latency/rows/warm floor/p50", 1.5},
    Goal{"warm socket / floor", "/latency/rows/warm socket/p50", "/latency/rows/warm floor/p50", 3},
    Goal{"cold library / floor", "/latency/rows/cold library/p50", "/latency/rows/cold floor/p50", 1.3},
    Goal{"cold socket / floor", "/latency/rows/cold socket/p50", "/latency/rows/cold floor/p50", 1.7},
    Goal{"module / cold floor", "/latency/rows/module/p50", "/latency/rows/cold floor/p50", 1.6},
    Goal{"module, blocking / cold floor", "/latency/rows/module, blocking/p50",
         "/latency/rows/cold floor/p50", 1.6},
    Goal{"nsenter / warm socket", "/latency/rows/nsenter/p50", "/latency/rows/warm socket/p50", 35, true},
    Goal{"nsenter / cold socket", "/latency/rows/nsenter/p50", "/latency/rows/cold socket/p50", 12, true},
    Goal{"p99 / median, warm socket", "/latency/rows/warm socket/p99", "/latency/rows/warm socket/p50", 3},
    Goal{"events/s of 64 clients / round trips/s of one bare socketpair", "/throughput/rows/64/warm",
         "/throughput/rows/64/bare socketpair", 0.5, true},
    Goal{"median with 1,000 containers / with 1", "/memory/rows/1000/p50", "/memory/rows/1/p50", 1.3},
    Goal{"private memory of a warm agent, the only one (KiB)", "/memory/rows/1/an agent, private", nullptr,
         300},
    Goal{"daemon with 1,000 warm agents, resident (KiB)", "/memory/rows/1000/daemon", nullptr, 25 * 1024},
    Goal{"fork server, resident (KiB)", "/memory/rows/1000/fork server", nullptr, 4 * 1024}};

}  // namespace

void add_goals(Json& results) {
  Json& goals = results["goals"] = Json::array();
  std::puts("\nGoals");
  for (const Goal& goal : kGoals) {
    const Pointer figure(goal.figure);
    if (!results.contains(figure)) {
      std::printf("  %-64s not measured\n", goal.name);
      continue;
    }
    const double base = goal.base == nullptr ? 1 : results[Pointer(goal.base)].get<double>();
    const double value = results[figure].get<double>() / base;
    const bool met = goal.at_least ? value >= goal.value : value <= goal.value;
    goals.push_back({{"name", goal.name},
                     {"figure", value},
                     {goal.at_least ? "atLeast" : "atMost", goal.value},
                     {"met", met}});
    std::printf("  %-64s %9.2f   %s %-7g %s\n", goal.name, value, goal.at_least ? ">=" : "<=", goal.value,
                met ? "met" : "missed");
  }
}

}  // namespace nsenterd::bench
