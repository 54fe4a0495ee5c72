#include <algorithm>
#include <filesystem>
#include <fstream>

#include "container.hpp"
#include "contest.hpp"
#include "process.hpp"
#include "sections.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::bench {
namespace {

namespace fs = std::filesystem;

/// Files and directories to be read, of any size.
class Material {
 public:
  [[nodiscard]] fs::path file_of(std::size_t bytes) const {
    fs::path path = directory_ / ("file-" + std::to_string(bytes));
    std::ofstream(path) << std::string(bytes, 'x');
    return path;
  }
  [[nodiscard]] fs::path directory_of(std::size_t entries) const {
    fs::path path = directory_ / ("directory-" + std::to_string(entries));
    fs::create_directory(path);
    for (std::size_t i = 0; i < entries; ++i) std::ofstream(path / ("entry-" + std::to_string(i)));
    return path;
  }

 private:
  test::TemporaryDirectory directory_;
};

/// Medians of a warm event by every way. Of large ones, so many are done that it is `size_in_all`.
Json row_of(const Setup& setup, const test::ServerProcess& daemon, const Request& request, std::size_t size,
            std::size_t size_in_all) {
  const auto& effort = setup.effort;
  const std::size_t events = std::max(std::min(size_in_all / size, effort.events / 20), effort.batch / 5);
  const std::size_t batch = std::max<std::size_t>(events / 10, 1);
  std::vector<Contender> contenders;
  contenders.push_back({"direct read", make_direct(request)});
  contenders.push_back({"library", make_library(request, setup.programs.agent, Agents::warm)});
  contenders.push_back({"socket", make_socket({request}, daemon)});
  warm_up(contenders, batch);
  measure(contenders, events, batch);
  Json row = Json::object();
  for (const auto& [name, way, share, samples] : contenders) row[name] = percentile(samples.answered, 0.5);
  return row;
}

}  // namespace

void measure_growth(const Setup& setup, Json& results) {
  const Material material;
  const Container container;
  const test::ServerProcess daemon(daemon_command(setup.programs));
  Json files = make_table("microseconds, over KiB");
  for (const std::size_t bytes : setup.effort.file_sizes) {
    const Request request{.target = container.pid(), .path = material.file_of(bytes), .length = bytes};
    files["rows"][std::to_string(bytes / 1024)] = row_of(setup, daemon, request, bytes, 128U << 20U);
  }
  add_table(results, "readFile", "Growth of readFile", files);
  Json directories = make_table("microseconds, over entries");
  for (const std::size_t entries : setup.effort.directory_sizes) {
    const Request request{
        .target = container.pid(), .path = material.directory_of(entries), .is_directory = true};
    directories["rows"][std::to_string(entries)] = row_of(setup, daemon, request, entries, 500'000);
  }
  add_table(results, "readDir", "Growth of readDir", directories);
}

}  // namespace nsenterd::bench
