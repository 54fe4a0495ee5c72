#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "container.hpp"
#include "interrupt.hpp"
#include "process.hpp"
#include "readers.hpp"
#include "sections.hpp"
#include "support/command.hpp"

namespace nsenterd::bench {
namespace {

namespace fs = std::filesystem;

/// examples/procfs-companion, on a daemon of its own, with one container.
class Companion {
 public:
  Companion(const Programs& programs, const std::vector<std::string>& daemon_options)
      : program_(programs.companion),
        daemon_(daemon_command(programs, daemon_options)),
        root_(fs::temp_directory_path() / ("nsenterd-bench-" + std::to_string(daemon_.pid()))),
        directory_(root_),
        process_({"setpriv", "--pdeathsig", "KILL", program_, "serve", "--socket", daemon_.socket(), "--root",
                  root_, "--control", "{socket}"}) {
    tell({"add", kName});
    container_.emplace();
    tell({"start", kName, std::to_string(container_->pid())});
  }
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;
  ~Companion() {
    container_.reset();
    // It unmounts.
    process_.end(SIGTERM);
  }

  [[nodiscard]] pid_t container() const { return container_->pid(); }
  [[nodiscard]] std::string path_of(std::string_view file) const { return root_ / kName / file.substr(1); }

 private:
  static constexpr const char* kName = "bench";

  struct Directory {
    explicit Directory(fs::path made) : path(std::move(made)) { fs::create_directory(path); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
    fs::path path;
  };

  void tell(std::vector<std::string> command) const {
    command.insert(command.begin(), program_);
    command.insert(command.end(), {"--control", process_.socket()});
    const auto result = test::run(command);
    if (result.status != 0) throw std::runtime_error(result.errors);
  }

  std::string program_;
  test::ServerProcess daemon_;
  fs::path root_;
  Directory directory_;
  test::ServerProcess process_;
  // With the mount in its mount namespace.
  std::optional<Container> container_;
};

struct ReadingWay {
  const char* name;
  pid_t container;
  std::string file;
  std::vector<Reads> seen = {};
};

void add_tables(const std::vector<ReadingWay>& ways, const std::vector<std::size_t>& readers, Json& results) {
  Json rates = make_table("reads a second, over reading processes");
  Json medians = make_table("microseconds of a read, median, over reading processes");
  Json slowest = make_table("microseconds of a read, 99th percentile, over reading processes");
  Json share = make_table("per cent of a read's time, over reading processes");
  for (std::size_t i = 0; i < readers.size(); ++i) {
    const std::string row = std::to_string(readers[i]);
    for (const ReadingWay& way : ways) {
      const Reads& seen = way.seen[i];
      rates["rows"][row][way.name] = static_cast<double>(seen.samples.size()) / seen.time.count();
      medians["rows"][row][way.name] = percentile(seen.samples, 0.5);
      slowest["rows"][row][way.name] = percentile(seen.samples, 0.99);
    }
    const auto nsenterd_in = [&](const char* way) {
      const double whole = medians["rows"][row][way];
      const double without = medians["rows"][row]["emulated"];
      return 100 * (whole - without) / whole;
    };
    share["rows"][row] = {{"warm", nsenterd_in("warm")}, {"cold", nsenterd_in("cold")}};
  }
  add_table(results, "companion", "A companion's reads", rates);
  add_table(results, "companion_median", "A companion's reads: how long", medians);
  add_table(results, "companion_slowest", "A companion's reads: the slowest", slowest);
  add_table(results, "companion_share", "nsenterd's share of a companion's reads", share);
}

}  // namespace

void measure_companion(const Setup& setup, Json& results) {
  const auto& effort = setup.effort;
  const Companion warm(setup.programs, {});
  const Companion cold(setup.programs, {"--warm-agents", "0"});
  // What the companion answers by itself shows what FUSE and the companion take.
  const std::string emulated = "/proc/sys/kernel/pid_max";
  std::vector<ReadingWay> ways{{"kernel", warm.container(), setup.file},
                               {"emulated", warm.container(), warm.path_of(emulated)},
                               {"warm", warm.container(), warm.path_of(setup.file)},
                               {"cold", cold.container(), cold.path_of(setup.file)}};
  for (ReadingWay& way : ways) way.seen.resize(effort.readers.size());
  for (std::size_t round = 0; round < effort.rounds; ++round) {
    for (std::size_t i = 0; i < effort.readers.size(); ++i) {
      for (ReadingWay& way : ways) {
        check_interrupted();
        Reads reads = read_with(effort.readers[i], way.container, way.file, effort.turn);
        Reads& seen = way.seen[i];
        seen.time += reads.time;
        seen.samples.insert(seen.samples.end(), reads.samples.begin(), reads.samples.end());
      }
    }
  }
  add_tables(ways, effort.readers, results);
}

}  // namespace nsenterd::bench
