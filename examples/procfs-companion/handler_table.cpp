#include "handler_table.hpp"

#include <limits>
#include <utility>

#include "emulated_file.hpp"
#include "limit.hpp"

namespace procfs_companion {
namespace {

struct LimitRow {
  const char* path;
  LimitRange range;
};

constexpr std::int64_t kInt = std::numeric_limits<int>::max();
constexpr std::int64_t kLong = std::numeric_limits<std::int64_t>::max();

// What programs in containers set at their start, and end when they cannot: systemd, databases, search engines, kubelet. To the
// kernel they are the machine's, so only the host's root could. The ranges are those of the kernel's own tables. (Since Linux 6.14
// each pid namespace has a pid_max; before, there is one.)
constexpr LimitRow kLimits[] = {
    {"/proc/sys/fs/file-max", {0, kLong}},         {"/proc/sys/fs/nr_open", {64, 2147483584}},
    {"/proc/sys/kernel/panic", {-kInt - 1, kInt}}, {"/proc/sys/kernel/panic_on_oops", {-kInt - 1, kInt}},
    {"/proc/sys/kernel/pid_max", {301, 4194304}},  {"/proc/sys/kernel/threads-max", {1, 0x3fffffff}},
    {"/proc/sys/vm/max_map_count", {0, kInt}},     {"/proc/sys/vm/overcommit_memory", {0, 2}},
};

// What decides over the whole machine, and would even for root of a container if the kernel were ever to let him: here he cannot, so
// that it does not depend on that.
constexpr const char* kReadOnly[] = {
    "/proc/sys/fs/binfmt_misc",      "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/poweroff_cmd", "/proc/sys/kernel/sysrq",
};

}  // namespace

HandlerTable::HandlerTable(const Service& service) {
  const struct stat directory = directory_attributes();
  const struct stat file = file_attributes(0444, 0, 0);
  handlers_["/"] = std::make_unique<FixedDirectory>("/", std::vector<Entry>{{"proc", directory}});
  handlers_["/proc"] = std::make_unique<FixedDirectory>(
      "/proc", std::vector<Entry>{{"swaps", file}, {"sys", directory}, {"uptime", file}});
  handlers_["/proc/swaps"] = std::make_unique<Swaps>();
  handlers_["/proc/uptime"] = std::make_unique<Uptime>(*service.container);
  handlers_["/proc/sys"] = std::make_unique<PassThrough>(service);
  for (const char* path : kReadOnly) handlers_[path] = std::make_unique<ReadOnly>(service);
  for (const LimitRow& row : kLimits) {
    handlers_[row.path] = std::make_unique<Limit>(*service.container, row.path, row.range);
  }
}

Handler& HandlerTable::find(const std::string& path) const {
  std::string prefix = path;
  while (prefix.size() > 1) {
    if (const auto found = handlers_.find(prefix); found != handlers_.end()) return *found->second;
    prefix.resize(prefix.rfind('/'));
  }
  return *handlers_.at("/");
}

}  // namespace procfs_companion
