#include <algorithm>
#include <deque>

#include "container.hpp"
#include "contest.hpp"
#include "interrupt.hpp"
#include "process.hpp"
#include "sections.hpp"

namespace nsenterd::bench {
namespace {

/// What a daemon, its fork server and its agents occupy, and how fast it was.
Json row_of(const Contender& contender) {
  const pid_t daemon = contender.way->service().value();
  const auto children = children_of(daemon);
  std::vector<std::uint64_t> agents;
  for (const pid_t child : children) {
    if (child != children.front()) agents.push_back(memory_of(child).unshared);
  }
  const auto middle = agents.begin() + static_cast<std::ptrdiff_t>(agents.size() / 2);
  std::nth_element(agents.begin(), middle, agents.end());
  const Memory used = memory_of(daemon);
  return {{"warm agents", agents.size()},
          {"an agent, private", *middle},
          {"daemon", used.resident},
          {"daemon, private", used.unshared},
          {"fork server", memory_of(children.front()).resident},
          {"p50", percentile(contender.samples.answered, 0.5)}};
}

}  // namespace

void measure_memory(const Setup& setup, Json& results) {
  const std::size_t most = setup.effort.containers.back();
  std::vector<Container> containers;
  std::vector<Request> requests;
  std::deque<test::ServerProcess> daemons;
  std::vector<Contender> contenders;
  for (const std::size_t size : setup.effort.containers) {
    while (containers.size() < size) {
      check_interrupted();
      requests.push_back({.target = containers.emplace_back().pid(), .path = setup.file});
    }
    const auto& daemon = daemons.emplace_back(
        daemon_command(setup.programs, {"--warm-agents", std::to_string(most), "--warm-agent-time", "1m"}));
    contenders.push_back({std::to_string(size), make_socket(requests, daemon)});
  }
  // A round is once around all containers.
  warm_up(contenders, most);
  measure(contenders, most * setup.effort.rounds, most);
  Json table = make_table("KiB over containers; p50 in microseconds");
  for (const auto& contender : contenders) table["rows"][contender.name] = row_of(contender);
  add_table(results, "memory", "Containers", table);
}

}  // namespace nsenterd::bench
