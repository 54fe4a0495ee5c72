// bench-whole: what events cost, of a daemon and of the library, against their floors and against other ways to do the
// same. README.md says how it is used.
#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>

#include <sys/resource.h>

#include <CLI/CLI.hpp>

#include "goals.hpp"
#include "interrupt.hpp"
#include "machine.hpp"
#include "sections.hpp"

namespace nsenterd::bench {
namespace {

using Section = void (*)(const Setup&, Json&);
constexpr std::array<std::pair<const char*, Section>, 5> kSections{{{"latency", measure_latency},
                                                                    {"throughput", measure_throughput},
                                                                    {"companion", measure_companion},
                                                                    {"growth", measure_growth},
                                                                    {"memory", measure_memory}}};

struct Options {
  std::vector<std::string> sections;
  bool quick = false;
  std::string daemon;
  std::string agent;
  std::string json_file;
};

Options parse(CLI::App& app, int argc, char** argv) {
  Options options;
  std::vector<std::string> names;
  for (const auto& [name, ignored] : kSections) names.emplace_back(name);
  app.add_option("section", options.sections,
                 "what to measure: latency, throughput, companion, growth, memory; all if absent")
      ->check(CLI::IsMember(names).description(""));
  app.add_flag("--quick", options.quick,
               "little of everything, to see that it works: the numbers mean nothing");
  app.add_option("--daemon", options.daemon, "nsenterd; the one of this build if absent");
  app.add_option("--agent", options.agent, "nsenter-agent; the one of this build if absent");
  app.add_option("--json", options.json_file, "write the results to this file as well");
  app.parse(argc, argv);
  if (options.sections.empty()) options.sections = names;
  return options;
}

/// Every container is held by a descriptor; the soft limit is for programs that use select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void run(const Options& options) {
  const auto own_directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto program = [&](const std::string& given, const char* built) {
    return given.empty() ? (own_directory / built).string() : given;
  };
  Setup setup{.programs = {.daemon = program(options.daemon, "../src/daemon/nsenterd"),
                           .agent = program(options.agent, "../src/agent/nsenter-agent"),
                           .floor = own_directory / "bench-floor",
                           .module_static = own_directory / "bench-module-static",
                           .module_dynamic = own_directory / "bench-module",
                           .companion = own_directory / "../examples/procfs-companion/procfs-companion"}};
  if (options.quick) setup.effort = quick_effort();
  raise_descriptor_limit();
  catch_interrupts();

  Json results{{"machine", describe_machine()},
               {"options", {{"sections", options.sections}, {"quick", options.quick}}}};
  for (const auto& [name, measure] : kSections) {
    if (std::count(options.sections.begin(), options.sections.end(), name) != 0) measure(setup, results);
  }
  add_goals(results);
  if (options.json_file.empty()) return;
  std::ofstream file(options.json_file);
  file << results.dump(1) << '\n';
  if (!file.flush()) throw std::runtime_error(options.json_file + ": cannot be written");
}

}  // namespace
}  // namespace nsenterd::bench

int main(int argc, char** argv) {
  CLI::App app("Measures what events cost. Needs root.", "bench-whole");
  try {
    nsenterd::bench::run(nsenterd::bench::parse(app, argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& failure) {
    std::cerr << "bench-whole: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
