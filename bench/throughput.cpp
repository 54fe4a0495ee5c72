#include <algorithm>
#include <numeric>
#include <string_view>

#include "container.hpp"
#include "contest.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "process.hpp"
#include "sections.hpp"

namespace nsenterd::bench {
namespace {

/// Clients of one kind, and what has been seen of each number of them.
struct Series {
  const char* name;
  const test::ServerProcess& daemon;
  Load load;
  struct Seen {
    std::size_t events = 0;
    std::chrono::duration<double> time{};
    /// Processor time of the daemon's own thread, of its agents, and of all clients together.
    std::chrono::duration<double> daemon{};
    std::chrono::duration<double> agents{};
    std::chrono::duration<double> clients{};
  };
  std::vector<Seen> seen = {};
};

void take_turn(Series& series, std::size_t clients, std::chrono::milliseconds time, Series::Seen& seen) {
  check_interrupted();
  // Agents that have ended meanwhile are started anew, and what the turn before has left to the kernel is done.
  series.load.run(clients, time / 10);
  const auto before = cpu_time_of(series.daemon.pid());
  const auto own_before = cpu_time_of(::getpid()).service;
  const auto [events, passed] = series.load.run(clients, time);
  const auto own_after = cpu_time_of(::getpid()).service;
  const auto after = cpu_time_of(series.daemon.pid());
  seen.events += events;
  seen.time += passed;
  seen.daemon += after.service - before.service;
  seen.agents += after.agents - before.agents;
  seen.clients += own_after - own_before;
}

/// Round trips a second of a send and a receive on either side of a socketpair.
double rate_of(const Samples& floor) {
  const auto nanoseconds = std::accumulate(floor.answered.begin(), floor.answered.end(), std::uint64_t{0});
  return static_cast<double>(floor.answered.size()) * 1e9 / static_cast<double>(nanoseconds);
}

void add_tables(const std::vector<Series>& all, const std::vector<std::size_t>& clients, const Samples& floor,
                Json& results) {
  Json rates = make_table("events a second, over clients");
  Json busy = make_table("per cent of one processor, over clients of warm events");
  for (std::size_t i = 0; i < clients.size(); ++i) {
    Json& row = rates["rows"][std::to_string(clients[i])];
    for (const Series& series : all) {
      row[series.name] = static_cast<double>(series.seen[i].events) / series.seen[i].time.count();
    }
    row["bare socketpair"] = rate_of(floor);
    const auto& warm = all.front().seen[i];
    const auto part = [&](std::chrono::duration<double> used) { return 100 * used / warm.time; };
    busy["rows"][std::to_string(clients[i])] = {
        {"daemon", part(warm.daemon)}, {"agents", part(warm.agents)}, {"clients", part(warm.clients)}};
  }
  add_table(results, "throughput", "Throughput", rates);
  add_table(results, "busy", "Who is busy", busy);
}

}  // namespace

void measure_throughput(const Setup& setup, Json& results) {
  const auto& effort = setup.effort;
  const std::vector<Container> containers(effort.clients.back());
  std::vector<Request> one_each;
  for (const auto& container : containers)
    one_each.push_back({.target = container.pid(), .path = setup.file});
  const std::vector<Request> one_for_all(one_each.size(), one_each.front());
  const test::ServerProcess warm(daemon_command(setup.programs));
  const test::ServerProcess shared(daemon_command(setup.programs));
  const test::ServerProcess cold(daemon_command(setup.programs, {"--warm-agents", "0"}));
  std::vector<Series> all;
  all.push_back({"warm", warm, Load(warm, one_each)});
  all.push_back({"warm, one container", shared, Load(shared, one_for_all)});
  all.push_back({"cold", cold, Load(cold, one_each)});
  for (Series& series : all) series.seen.resize(effort.clients.size());
  const auto floor = make_program(one_each.front(), setup.programs.floor, "warm");

  Samples floor_samples;
  for (std::size_t round = 0; round < effort.rounds; ++round) {
    for (std::size_t i = 0; i < effort.clients.size(); ++i) {
      floor->run(10 * effort.batch, floor_samples);
      for (Series& series : all) take_turn(series, effort.clients[i], effort.turn, series.seen[i]);
    }
  }
  add_tables(all, effort.clients, floor_samples, results);
}

}  // namespace nsenterd::bench
