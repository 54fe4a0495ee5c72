#include "daemon/process_usage.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include <unistd.h>

namespace nsenterd::daemon {
namespace {

/// Ticks from the machine's start to that of this process (proc_pid_stat(5), field 22).
std::uint64_t start_ticks() {
  std::ifstream file("/proc/self/stat");
  std::string stat;
  std::getline(file, stat);
  // The name of the program, in parentheses, may contain anything.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

/// When the machine started, by its clock of today.
double boot_time() {
  timespec since_boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return now.count() - static_cast<double>(since_boot.tv_sec) -
         static_cast<double>(since_boot.tv_nsec) * 1e-9;
}

std::uint64_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident;
}

std::uint64_t count_descriptors() {
  std::error_code failed;
  const std::filesystem::directory_iterator begin("/proc/self/fd", failed);
  if (failed) return 0;
  // The one that the look itself takes is not counted.
  return static_cast<std::uint64_t>(std::distance(begin, std::filesystem::directory_iterator())) - 1;
}

}  // namespace

ProcessUsage process_usage() {
  // Once: the clock of the machine may be set anew, but the start is no other for it.
  static const double start_time =
      boot_time() + static_cast<double>(start_ticks()) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {.start_time = start_time,
          .resident_memory = resident_pages() * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
          .open_descriptors = count_descriptors()};
}

}  // namespace nsenterd::daemon
