// bench-event: what an event costs, cold and warm, against its floors and against nsenter(1). README.md explains the
// ways.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <optional>

#include <CLI/CLI.hpp>

#include "report.hpp"
#include "way.hpp"

namespace nsenterd::bench {
namespace {

struct Options {
  std::size_t events = 2000;
  std::size_t batch = 50;
  pid_t target = 0;
  std::string file = "/proc/sys/net/core/somaxconn";
  std::string floor;
  std::string json_file;
  DaemonProgram daemon;
};

struct Contender {
  Measured measured;
  std::size_t events;
  std::unique_ptr<Way> way;
};

// One nsenter(1) takes as long as a dozen events.
constexpr std::size_t kNsenterShare = 20;

std::vector<Contender> make_contenders(const Options& options, const Request& request) {
  std::vector<Contender> contenders;
  if (options.daemon.program.empty()) std::cout << "socket: left out, because no --daemon was given\n";
  for (const auto& [name, agents] : {std::pair("cold ", Agents::cold), std::pair("warm ", Agents::warm)}) {
    const std::string prefix = name;
    contenders.push_back(
        {{prefix + "floor", {}}, options.events, make_floor(request, options.floor, agents)});
    contenders.push_back(
        {{prefix + "library", {}}, options.events, make_library(request, options.daemon.agent, agents)});
    if (options.daemon.program.empty()) continue;
    contenders.push_back(
        {{prefix + "socket", {}}, options.events, make_socket(request, options.daemon, agents)});
  }
  contenders.push_back(
      {{"nsenter", {}}, std::max<std::size_t>(options.events / kNsenterShare, 1), make_nsenter(request)});
  return contenders;
}

/// Alternating, so that whatever else the machine does meets all of them alike.
void measure(std::vector<Contender>& contenders, std::size_t events, std::size_t batch) {
  for (auto& contender : contenders) {
    Samples warm_up;
    contender.way->run(std::min<std::size_t>(batch, contender.events), warm_up);
  }
  for (std::size_t done = 0; done < events; done += batch) {
    const std::size_t next = std::min(done + batch, events);
    for (auto& [measured, share, way] : contenders) {
      // Its own part of the round: shares that the rounds do not divide are spread over them.
      const std::size_t count = next * share / events - done * share / events;
      way->run(count, measured.samples);
    }
  }
}

std::vector<MeasuredMemory> memory_of(const std::vector<Contender>& contenders) {
  constexpr std::uint64_t kDaemonGoal = 25 * 1024;
  constexpr std::uint64_t kForkServerGoal = 4 * 1024;
  std::vector<MeasuredMemory> memory;
  for (const auto& contender : contenders) {
    if (const auto daemon = contender.way->daemon()) {
      memory.push_back({"daemon", bench::memory_of(*daemon), kDaemonGoal});
    }
    if (const auto server = contender.way->fork_server()) {
      memory.push_back(
          {contender.measured.name + "'s fork server", bench::memory_of(*server), kForkServerGoal});
    }
  }
  return memory;
}

void run(Options options) {
  const auto own_directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  if (options.floor.empty()) options.floor = own_directory / "bench-floor";
  if (options.daemon.agent.empty()) options.daemon.agent = own_directory / "../src/agent/nsenter-agent";
  std::optional<Container> container;
  if (options.target == 0) options.target = container.emplace().pid();

  auto contenders = make_contenders(options, {options.target, options.file});
  measure(contenders, options.events, options.batch);
  const auto memory = memory_of(contenders);

  std::vector<Measured> measured;
  for (auto& contender : contenders) measured.push_back(std::move(contender.measured));
  const std::vector<Goal> goals{{"cold library / floor", "cold library", "cold floor", 1.3, false},
                                {"cold socket / floor", "cold socket", "cold floor", 1.7, false},
                                {"warm library / floor", "warm library", "warm floor", 1.5, false},
                                {"warm socket / floor", "warm socket", "warm floor", 3, false},
                                {"nsenter / cold socket", "nsenter", "cold socket", 12, true},
                                {"nsenter / warm socket", "nsenter", "warm socket", 35, true}};
  const auto report = make_report(measured, goals, memory);
  std::cout << to_table(report);
  if (options.json_file.empty()) return;
  std::ofstream file(options.json_file);
  file << report.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error(options.json_file + ": cannot be written");
}

}  // namespace
}  // namespace nsenterd::bench

int main(int argc, char** argv) {
  nsenterd::bench::Options options;
  // CLI11's own check for this names the largest double in its message.
  const CLI::Range at_least_one(1, std::numeric_limits<int>::max());
  CLI::App app("Measures events, cold and warm: reads of one file as a container sees it. Needs root.");
  app.add_option("--events", options.events, "events of each way; a twentieth for nsenter(1)")
      ->check(at_least_one);
  app.add_option("--batch", options.batch, "events of one way before it is the next one's turn")
      ->check(at_least_one);
  app.add_option("--pid", options.target, "the target; one is made with unshare(1) if absent")
      ->check(at_least_one);
  app.add_option("--file", options.file, "the file to read");
  app.add_option("--agent", options.daemon.agent, "nsenter-agent; the one of this build if absent");
  app.add_option("--daemon", options.daemon.program, "nsenterd, to measure the way through its socket");
  app.add_option("--daemon-argument", options.daemon.arguments, "passed on to nsenterd; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--floor", options.floor, "bench-floor; the one beside this program if absent");
  app.add_option("--json", options.json_file, "write the results to this file as well");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    nsenterd::bench::run(std::move(options));
  } catch (const std::exception& failure) {
    std::cerr << "bench-event: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
