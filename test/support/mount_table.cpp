#include "support/mount_table.hpp"

#include <sstream>
#include <stdexcept>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

Mount parse(const std::string& line) {
  Mount mount;
  std::istringstream words(line);
  std::string skipped;
  words >> mount.id >> skipped >> skipped >> skipped >> mount.point >> mount.options;
  for (std::string field; words >> field && field != "-";) {
    mount.propagation += (mount.propagation.empty() ? "" : " ") + field;
  }
  words >> mount.type >> skipped >> mount.super_options;
  if (!words) throw std::runtime_error("no line of a mountinfo: " + line);
  return mount;
}

}  // namespace

std::vector<Mount> mount_table(std::string_view text) {
  std::vector<Mount> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) mounts.push_back(parse(line));
  return mounts;
}

std::vector<Mount> mounts_at(pid_t pid, std::string_view point) {
  auto mounts = mount_table(read_file(proc_path(pid, "mountinfo")));
  std::erase_if(mounts, [&](const Mount& mount) { return mount.point != point; });
  return mounts;
}

bool has_option(std::string_view options, std::string_view option) {
  return ("," + std::string(options) + ",").find("," + std::string(option) + ",") != std::string::npos;
}

}  // namespace nsenterd::test
