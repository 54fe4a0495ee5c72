// One way to read a file as a container sees it, measured event by event.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "process.hpp"

namespace nsenterd::bench {

using Clock = std::chrono::steady_clock;

/// Nanoseconds of each event.
struct Samples {
  /// From the request to its answer.
  std::vector<std::uint64_t> answered;
  /// From the request until nothing is left of the event; empty where that cannot be seen from outside.
  std::vector<std::uint64_t> complete;
};

struct Request {
  pid_t target = 0;
  std::string file;
};

class Way {
 public:
  Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;

  /// Does `events` events one after the other. Throws if one of them does not bring the file's content.
  virtual void run(std::size_t events, Samples& samples) = 0;

  /// The daemon of the way, and its fork server; none where there is no such process.
  [[nodiscard]] virtual std::optional<pid_t> daemon() const { return std::nullopt; }
  [[nodiscard]] virtual std::optional<pid_t> fork_server() const { return std::nullopt; }
};

/// Whether every event gets an agent of its own, or all one that has joined already.
enum class Agents { cold, warm };

/// bench-floor at `program`.
std::unique_ptr<Way> make_floor(const Request& request, const std::string& program, Agents agents);

/// NSenterService in this process.
std::unique_ptr<Way> make_library(const Request& request, const std::string& agent, Agents agents);

/// A daemon started for this, and a client on its socket. `arguments` come after those that name socket and
/// agent.
struct DaemonProgram {
  std::string program;
  std::string agent;
  std::vector<std::string> arguments;
};
std::unique_ptr<Way> make_socket(const Request& request, const DaemonProgram& daemon, Agents agents);

/// nsenter(1) and cat(1).
std::unique_ptr<Way> make_nsenter(const Request& request);

}  // namespace nsenterd::bench
