#include "faults/freezer.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

bool write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

}  // namespace

Frozen::Frozen(BareContainer& container) : container_(container) {
  if (freeze("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED") ||
      freeze("/sys/fs/cgroup", "cgroup.freeze", "1", "0")) {
    with_ = file_;
    return;
  }
  container_.signal(SIGSTOP);
  wait_until([this] { return status_field(container_.pid(), "State").starts_with("T"); });
  with_ = "SIGSTOP";
}

Frozen::~Frozen() {
  if (group_.empty()) {
    container_.signal(SIGCONT);
    return;
  }
  write(group_ + file_, thawed_);
  write(hierarchy_ + "/cgroup.procs", std::to_string(container_.pid()));
  std::error_code ignored;
  std::filesystem::remove(group_, ignored);
}

bool Frozen::freeze(const std::string& hierarchy, const char* file, const char* frozen, const char* thawed) {
  const std::string group = hierarchy + "/nsenterd-test-frozen-" + std::to_string(::getpid()) + "/";
  std::error_code ignored;
  std::filesystem::create_directory(group, ignored);
  if (!write(group + "cgroup.procs", std::to_string(container_.pid())) || !write(group + file, frozen)) {
    std::filesystem::remove(group, ignored);
    return false;
  }
  wait_until([&] { return read_file(group + file).starts_with(frozen); });
  hierarchy_ = hierarchy;
  group_ = group;
  file_ = file;
  thawed_ = thawed;
  return true;
}

}  // namespace nsenterd::test
