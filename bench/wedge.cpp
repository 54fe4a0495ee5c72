// bench-wedge: how much slower 31 containers are served while every request for a 32nd hangs. README.md explains it.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nsenterd::bench {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::size_t kHealthy = 31;
constexpr const char* kWedgedDirectory = "/mnt";

struct Options {
  std::string daemon;
  std::string agent;
  std::size_t rounds = 10;
  std::size_t events = 1000;
  std::size_t wedged_clients = 8;
};

std::string read_call(pid_t target, const std::string& file, int timeout_milliseconds) {
  const json payload{{"file", file}, {"offset", 0}, {"len", 1024}};
  const json parameters{{"pid", target},
                        {"namespace", {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}},
                        {"timeoutMilliseconds", timeout_milliseconds},
                        {"request", {{"message", "readFileRequest"}, {"payload", payload}}}};
  return json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0';
}

class Client {
 public:
  explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + ": too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    for (int i = 0;
         ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0; ++i) {
      if (i == 500) throw_errno(path);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// Empty if the connection has ended.
  std::string exchange(const std::string& call) {
    if (::send(socket_.get(), call.data(), call.size(), MSG_NOSIGNAL) < 0) return {};
    std::string reply;
    std::array<char, 4096> buffer;
    do {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return {};
      reply.append(buffer.data(), static_cast<std::size_t>(got));
    } while (reply.back() != '\0');
    return reply;
  }

  /// From any thread: ends the exchange that is under way.
  void end() const { ::shutdown(socket_.get(), SHUT_RDWR); }

 private:
  base::UniqueFd socket_;
};

/// Mounts, over a directory of a container, a FUSE filesystem that nobody serves. What hangs there ends with the descriptor.
base::UniqueFd wedge(pid_t container) {
  base::UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) throw_errno("/dev/fuse");
  const base::UniqueFd mounts(
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
    const std::string call = read_call(container, std::string(kWedgedDirectory) + "/file", 100);
    for (std::size_t i = 0; i < clients; ++i) clients_.push_back(std::make_unique<Client>(socket));
    for (const auto& client : clients_) {
      threads_.emplace_back([call, &timed_out, asking = client.get()] {
        for (std::string reply; !(reply = asking->exchange(call)).empty();) {
          if (reply.find("io.nsenterd.TimedOut") != std::string::npos) ++timed_out;
        }
      });
    }
  }
  WedgedLoad(const WedgedLoad&) = delete;
  WedgedLoad& operator=(const WedgedLoad&) = delete;
  ~WedgedLoad() {
    for (const auto& client : clients_) client->end();
  }

 private:
  std::vector<std::unique_ptr<Client>> clients_;
  // Joined first.
  std::vector<std::jthread> threads_;
};

/// Microseconds of each event.
std::vector<double> measure(Client& client, const std::vector<std::string>& calls, std::size_t events) {
  std::vector<double> times;
  for (std::size_t i = 0; i < events; ++i) {
    const auto begin = Clock::now();
    const std::string reply = client.exchange(calls[i % calls.size()]);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    if (reply.find("readFileResponse") == std::string::npos)
      throw std::runtime_error("a healthy container: " + reply);
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
  std::string directory = std::filesystem::temp_directory_path() / "bench-wedge-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) throw_errno("mkdtemp");
  const std::string socket = directory + "/socket";
  const std::vector<Container> healthy(kHealthy);
  const Container wedged;
  const base::UniqueFd device = wedge(wedged.pid());
  const Process daemon({options.daemon, "--socket", socket, "--agent", options.agent, "--log-level", "warn"});
  Client client(socket);
  std::vector<std::string> calls;
  for (const Container& container : healthy) {
    calls.push_back(read_call(container.pid(), "/proc/sys/net/core/somaxconn", 10000));
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
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

}  // namespace
}  // namespace nsenterd::bench

int main(int argc, char** argv) {
  nsenterd::bench::Options options;
  const CLI::Range at_least_one(1, std::numeric_limits<int>::max());
  CLI::App app("Measures 31 containers beside one whose requests all hang. Needs root and /dev/fuse.");
  app.add_option("--daemon", options.daemon, "nsenterd")->required();
  app.add_option("--agent", options.agent, "nsenter-agent; the one of this build if absent");
  app.add_option("--rounds", options.rounds, "each without the wedged container, then beside it")
      ->check(at_least_one);
  app.add_option("--events", options.events, "of each half of a round")->check(at_least_one);
  app.add_option("--wedged-clients", options.wedged_clients, "that ask for the wedged container")
      ->check(at_least_one);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto own_directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    if (options.agent.empty()) options.agent = own_directory / "../src/agent/nsenter-agent";
    nsenterd::bench::run(options);
  } catch (const std::exception& failure) {
    std::cerr << "bench-wedge: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
