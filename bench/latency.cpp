#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <tuple>

#include "container.hpp"
#include "contest.hpp"
#include "process.hpp"
#include "sections.hpp"
#include "support/container.hpp"

namespace nsenterd::bench {
namespace {

// Commands take as long as dozens, or hundreds, of events.
constexpr std::size_t kNsenterShare = 20;
constexpr std::size_t kRuncShare = 100;

bool has_runc() {
  return test::run({"runc", "--version"}).status == 0 && std::filesystem::exists("/bin/busybox");
}

std::vector<std::string> runc_exec(const test::RuncContainer& container, const std::string& file) {
  const std::string state = container.root().parent_path() / "state";
  std::string name = test::output_of({"runc", "--root", state, "list", "--quiet"});
  name.erase(name.find_last_not_of('\n') + 1);
  return {"runc", "--root", state, "exec", name, "cat", file};
}

/// What the service of each way has used; those without one are left out.
std::map<std::string, CpuTime> cpu_times(const std::vector<Contender>& contenders) {
  std::map<std::string, CpuTime> times;
  for (const auto& contender : contenders) {
    if (const auto service = contender.way->service()) times[contender.name] = cpu_time_of(*service);
  }
  return times;
}

Json cpu_row(const CpuTime& before, const CpuTime& after, std::size_t events) {
  const auto each = [&](std::chrono::nanoseconds CpuTime::*part) {
    return std::chrono::duration<double, std::micro>(after.*part - before.*part).count() /
           static_cast<double>(events);
  };
  const double service = each(&CpuTime::service);
  const double fork_server = each(&CpuTime::fork_server);
  const double agents = each(&CpuTime::agents);
  return {{"service", service},
          {"fork server", fork_server},
          {"agents", agents},
          {"all", service + fork_server + agents}};
}

/// What the daemon says of the steps that its events take; nothing if it does not count them.
std::optional<Json> steps_of(const test::ServerProcess& daemon) {
  Client client(daemon.socket());
  const std::string call(R"({"method":"io.nsenterd.GetStatistics"})");
  const Json reply = Json::parse(client.exchange(call + '\0')).at("parameters");
  if (!reply.contains("steps")) return std::nullopt;
  Json table = make_table("microseconds");
  for (const Json& step : reply["steps"]) {
    table["rows"][step["step"].get<std::string>()] = {{"events", step["count"]},
                                                      {"p50", step["medianNanoseconds"].get<double>() / 1000},
                                                      {"p99", step["p99Nanoseconds"].get<double>() / 1000}};
  }
  return table;
}

void add_times(const std::vector<Contender>& contenders, Json& results) {
  Json answered = make_table("microseconds until the answer is there");
  Json complete = make_table("microseconds until nothing is left of the event");
  for (const auto& [name, way, share, samples] : contenders) {
    answered["rows"][name] = summary(samples.answered);
    if (!samples.complete.empty()) complete["rows"][name] = summary(samples.complete);
  }
  add_table(results, "latency", "Latency", answered);
  add_table(results, "complete", "Latency to the end", complete);
}

void add_cpu(const std::vector<Contender>& contenders, const std::map<std::string, CpuTime>& before,
             Json& results) {
  Json table = make_table("microseconds of processor time an event");
  const auto after = cpu_times(contenders);
  for (const auto& contender : contenders) {
    const auto used = after.find(contender.name);
    if (used == after.end()) continue;
    table["rows"][contender.name] =
        cpu_row(before.at(contender.name), used->second, contender.samples.answered.size());
  }
  add_table(results, "cpu", "Processor time", table);
}

void add_steps(const test::ServerProcess& daemon, const char* key, const char* title, Json& results) {
  if (const auto steps = steps_of(daemon)) {
    add_table(results, key, title, *steps);
  } else {
    std::cout << '\n' << title << ": left out, because the daemon's statistics have none\n";
  }
}

}  // namespace

void measure_latency(const Setup& setup, Json& results) {
  const Container container;
  const Request request{.target = container.pid(), .path = setup.file};
  const std::string& agent = setup.programs.agent;
  const test::ServerProcess cold_daemon(daemon_command(setup.programs, {"--warm-agents", "0"}));
  const test::ServerProcess warm_daemon(daemon_command(setup.programs));
  std::optional<test::RuncContainer> runc;

  std::vector<Contender> contenders;
  contenders.push_back({"direct read", make_direct(request)});
  for (const auto& [name, agents, served_by] :
       {std::tuple("warm", Agents::warm, &warm_daemon), std::tuple("cold", Agents::cold, &cold_daemon)}) {
    const std::string prefix = std::string(name) + ' ';
    contenders.push_back({prefix + "floor", make_program(request, setup.programs.floor, name)});
    contenders.push_back({prefix + "library", make_library(request, agent, agents)});
    contenders.push_back({prefix + "socket", make_socket({request}, *served_by)});
  }
  contenders.push_back({"module", make_program(request, setup.programs.module_static, "loop")});
  contenders.push_back({"module, blocking", make_program(request, setup.programs.module_static, "blocking")});
  contenders.push_back(
      {"module, shared libraries", make_program(request, setup.programs.module_dynamic, "loop")});
  contenders.push_back(
      {"nsenter", make_command({"nsenter", "-a", "-t", std::to_string(container.pid()), "cat", setup.file}),
       kNsenterShare});
  if (has_runc()) {
    runc.emplace(test::RuncContainer::UserNamespace::mapped);
    contenders.push_back({"runc exec", make_command(runc_exec(*runc, setup.file)), kRuncShare});
  } else {
    std::cout << "runc exec: left out, because runc or busybox-static is not installed\n";
  }

  warm_up(contenders, setup.effort.batch);
  const auto cpu_before = cpu_times(contenders);
  measure(contenders, setup.effort.events, setup.effort.batch);
  add_cpu(contenders, cpu_before, results);
  add_times(contenders, results);
  add_steps(warm_daemon, "stepsWarm", "Steps of warm events", results);
  add_steps(cold_daemon, "stepsCold", "Steps of cold events", results);
}

}  // namespace nsenterd::bench
