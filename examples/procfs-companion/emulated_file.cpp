#include "emulated_file.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "host_file.hpp"

namespace procfs_companion {

struct stat EmulatedFile::shown(const struct stat& /*real*/) const {
  return file_attributes(0444, 0, 0);
}

void EmulatedFile::look(const Place& /*place*/, Reply<struct stat> reply) {
  reply(shown({}));
}

void EmulatedFile::check(const Place& /*place*/, int /*flags*/, Purpose /*purpose*/,
                         Reply<std::monostate> reply) {
  reply(Errno{EACCES});
}

void EmulatedFile::read(const Place& /*place*/, OpenFile& file, off_t offset, std::size_t size,
                        Reply<std::string> reply) {
  if (offset == 0) file.text = text();
  const auto begin = std::min(static_cast<std::size_t>(offset), file.text.size());
  reply(file.text.substr(begin, size));
}

std::string Uptime::text() const {
  double uptime = 0;
  double idle = 0;
  if (const auto& process = container_.process()) {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const double start =
        static_cast<double>(process->start_time()) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    uptime = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 - start;
    idle = host_idle_time() - container_.idle_at_start();
  }
  return fmt::format("{:.2f} {:.2f}\n", std::max(uptime, 0.0), std::max(idle, 0.0));
}

std::string Swaps::text() const {
  return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
}

struct stat FixedDirectory::shown(const struct stat& /*real*/) const {
  return directory_attributes();
}

void FixedDirectory::look(const Place& place, Reply<struct stat> reply) {
  // What is below it is the table's, or is not there.
  if (place.path != path_) return reply(Errno{ENOENT});
  reply(directory_attributes());
}

void FixedDirectory::check(const Place& /*place*/, int /*flags*/, Purpose /*purpose*/,
                           Reply<std::monostate> reply) {
  reply(Errno{EACCES});
}

void FixedDirectory::list(const Place& /*place*/, Reply<std::vector<Entry>> reply) {
  reply(entries_);
}

}  // namespace procfs_companion
