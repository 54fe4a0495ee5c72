// What is measured: each section adds its tables to the results, and prints them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "client.hpp"
#include "table.hpp"

namespace nsenterd::bench {

/// How much of everything is done.
struct Effort {
  /// Of each way, of those whose latency is measured; and of one before it is the next one's turn.
  std::size_t events = 20'000;
  std::size_t batch = 100;
  /// Of throughput: how often each number of clients has its turn, for how long.
  std::size_t rounds = 5;
  std::chrono::milliseconds turn{300};
  std::vector<std::size_t> clients{1, 2, 4, 8, 16, 32, 64};
  std::vector<std::size_t> readers{1, 2, 4, 8, 16, 32};
  std::vector<std::size_t> containers{1, 10, 100, 1000};
  std::vector<std::size_t> file_sizes{1U << 10U, 1U << 12U, 1U << 14U, 1U << 16U,
                                      1U << 18U, 1U << 20U, 1U << 22U, 1U << 23U};
  std::vector<std::size_t> directory_sizes{1, 10, 100, 1000, 10'000};
};

/// To see that everything works: the numbers mean nothing.
inline Effort quick_effort() {
  return {.events = 40,
          .batch = 20,
          .rounds = 1,
          .turn = std::chrono::milliseconds(20),
          .clients = {1, 4},
          .readers = {1, 4},
          .containers = {1, 10},
          .file_sizes = {1U << 10U, 1U << 20U},
          .directory_sizes = {1, 100}};
}

struct Setup {
  Programs programs;
  Effort effort;
  /// What is read where it does not matter: short, and another in every network namespace.
  std::string file = "/proc/sys/net/core/somaxconn";
};

/// One event at a time, by every way there is; the processor time that it takes, and where in the daemon the time goes.
void measure_latency(const Setup& setup, Json& results);
/// Events of many clients at a time.
void measure_throughput(const Setup& setup, Json& results);
/// Processes of a container that read through a FUSE daemon that asks for everything (examples/procfs-companion).
void measure_companion(const Setup& setup, Json& results);
/// Many containers, each with a warm agent.
void measure_memory(const Setup& setup, Json& results);
/// Large files and directories.
void measure_growth(const Setup& setup, Json& results);

}  // namespace nsenterd::bench
