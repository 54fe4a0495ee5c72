// One way to read a file, or a directory, as a container sees it, measured event by event.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "client.hpp"

namespace nsenterd::bench {

using Clock = std::chrono::steady_clock;

/// Nanoseconds of each event.
struct Samples {
  /// From the request to its answer.
  std::vector<std::uint64_t> answered;
  /// From the request until nothing is left of the event; empty where that cannot be seen from outside.
  std::vector<std::uint64_t> complete;
};

class Way {
 public:
  Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;

  /// Does `events` events one after the other. Throws if one of them does not bring the content.
  virtual void run(std::size_t events, Samples& samples) = 0;

  /// The process whose fork server and agents do all that is done; none if there is no such process.
  [[nodiscard]] virtual std::optional<pid_t> service() const { return std::nullopt; }
};

/// Whether every event gets an agent of its own, or all one that has joined already.
enum class Agents { cold, warm };

/// open, read and close in this process: of a file that is the container's as well, if it is not one of procfs. Of a
/// directory, what it takes to list it.
std::unique_ptr<Way> make_direct(const Request& request);

/// A program that measures its events itself, as bench-floor does ("cold", "warm"), and bench-module ("loop", "blocking"). Reads a file.
std::unique_ptr<Way> make_program(const Request& request, const std::string& program, const std::string& how);

/// NSenterService in this process.
std::unique_ptr<Way> make_library(const Request& request, const std::string& agent, Agents agents);

/// A blocking client on the daemon's socket, for each of the requests in turn. The daemon outlives it.
std::unique_ptr<Way> make_socket(const std::vector<Request>& requests, const test::ServerProcess& daemon);

/// A program for each event, which writes the content to its standard output.
std::unique_ptr<Way> make_command(std::vector<std::string> command);

}  // namespace nsenterd::bench
