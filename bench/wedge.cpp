// bench-wedge: how much slower 31 containers are served while every request for a 32nd hangs. README.md explains it.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "client.hpp"
#include "container.hpp"
#include "process.hpp"

namespace nsenterd::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHealthy = 31;
constexpr const char* kWedgedDirectory = "/mnt";

struct Options {
  Programs programs;
  std::size_t rounds = 10;
  std::size_t events = 5000;
  std::size_t wedged_clients = 8;
};

/// Mounts, over a directory of a container, a FUSE filesystem that nobody serves. What hangs there ends with the descriptor.
UniqueFd wedge(pid_t container) {
  UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) throw_errno("/dev/fuse");
  const UniqueFd mounts(
      ::open(("/proc/" + std::to_string(container) + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  const std::string options =
      "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  const pid_t child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) {
    const bool mounted =
        ::setns(mounts.get(), CLONE_NEWNS) == 0 &&
        ::mount("wedged", kWedgedDirectory, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    ::_exit(mounted ? 0 : errno);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  if (status != 0) throw_errno("mount FUSE");
  return device;
}

/// Clients that ask for the wedged container's files all the time, until this is destroyed.
class WedgedLoad {
 public:
  WedgedLoad(const std::string& socket, pid_t container, std::size_t clients,
             std::atomic<std::size_t>& timed_out) {
    const std::string call = send_request_call({.target = container,
                                                .path = std::string(kWedgedDirectory) + "/file",
                                                .timeout = std::chrono::milliseconds(100)});
    for (std::size_t i = 0; i < clients; ++i) clients_.push_back(std::make_unique<Client>(socket));
    for (const auto& client : clients_) {
      threads_.emplace_back([call, &timed_out, asking = client.get()] { ask(*asking, call, timed_out); });
    }
  }
  WedgedLoad(const WedgedLoad&) = delete;
  WedgedLoad& operator=(const WedgedLoad&) = delete;
  ~WedgedLoad() {
    for (const auto& client : clients_) client->end();
  }

 private:
  /// Until the connection is ended.
  static void ask(Client& client, const std::string& call, std::atomic<std::size_t>& timed_out) {
    try {
      for (;;) {
        if (client.exchange(call).find("io.nsenterd.TimedOut") != std::string_view::npos) ++timed_out;
      }
    } catch (const std::exception&) {
    }
  }

  std::vector<std::unique_ptr<Client>> clients_;
  // Joined first.
  std::vector<std::jthread> threads_;
};

/// Microseconds of each event.
std::vector<double> measure(Client& client, const std::vector<std::string>& calls, std::size_t events) {
  std::vector<double> times;
  for (std::size_t i = 0; i < events; ++i) {
    const auto begin = Clock::now();
    client.exchange(calls[i % calls.size()]);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    client.expect("readFileResponse");
  }
  return times;
}

double percentile(std::vector<double> values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void run(const Options& options) {
  const std::vector<Container> healthy(kHealthy);
  const Container wedged;
  const UniqueFd device = wedge(wedged.pid());
  const test::ServerProcess daemon(daemon_command(options.programs));
  const std::string socket = daemon.socket();
  Client client(socket);
  std::vector<std::string> calls;
  for (const Container& container : healthy) {
    calls.push_back(send_request_call({.target = container.pid(), .path = "/proc/sys/net/core/somaxconn"}));
  }

  std::atomic<std::size_t> timed_out = 0;
  std::vector<double> without;
  std::vector<double> with;
  std::vector<double> ratios;
  measure(client, calls, options.events);
  // Alternating, so that whatever else the machine does meets both alike.
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const auto alone = measure(client, calls, options.events);
    std::vector<double> beside;
    {
      const WedgedLoad load(socket, wedged.pid(), options.wedged_clients, timed_out);
      beside = measure(client, calls, options.events);
    }
    ratios.push_back(percentile(beside, 0.99) / percentile(alone, 0.99));
    append(without, alone);
    append(with, beside);
  }
  const auto print = [](const char* name, const std::vector<double>& times) {
    std::cout << name << " p50 " << percentile(times, 0.5) << " us, p99 " << percentile(times, 0.99)
              << " us\n";
  };
  print("without the wedged container:", without);
  print("beside the wedged container: ", with);
  std::cout << timed_out << " requests for it timed out\n"
            << "ratio of p99s: " << percentile(with, 0.99) / percentile(without, 0.99)
            << "; median of the rounds' ratios: " << percentile(ratios, 0.5) << "; goal: at most 2\n";
}

}  // namespace
}  // namespace nsenterd::bench

int main(int argc, char** argv) {
  nsenterd::bench::Options options;
  const CLI::Range at_least_one(1, std::numeric_limits<int>::max());
  CLI::App app("Measures 31 containers beside one whose requests all hang. Needs root and /dev/fuse.");
  app.add_option("--daemon", options.programs.daemon, "nsenterd; the one of this build if absent");
  app.add_option("--agent", options.programs.agent, "nsenter-agent; the one of this build if absent");
  app.add_option("--rounds", options.rounds, "each without the wedged container, then beside it")
      ->check(at_least_one);
  app.add_option("--events", options.events, "of each half of a round")->check(at_least_one);
  app.add_option("--wedged-clients", options.wedged_clients, "that ask for the wedged container")
      ->check(at_least_one);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto own_directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    if (options.programs.daemon.empty()) options.programs.daemon = own_directory / "../src/daemon/nsenterd";
    if (options.programs.agent.empty()) options.programs.agent = own_directory / "../src/agent/nsenter-agent";
    nsenterd::bench::run(options);
  } catch (const std::exception& failure) {
    std::cerr << "bench-wedge: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
