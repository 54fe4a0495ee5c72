#include "daemon/target_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::daemon {
namespace {

constexpr std::chrono::seconds kTrust{1};

}  // namespace

std::uint64_t start_time_of(pid_t pid) {
  const UniqueFd file(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> buffer;
  const ssize_t size = file ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
  if (size <= 0) return 0;
  std::string_view rest(buffer.data(), static_cast<std::size_t>(size));
  // The name before the last bracket may have blanks and brackets, as its process likes. What follows it begins with the third field.
  rest.remove_prefix(std::min(rest.rfind(')') + 1, rest.size()));
  constexpr int kField = 22;
  for (int field = 2; field < kField; ++field) {
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  }
  std::uint64_t started = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), started);
  return started;
}

TargetCounts* TargetTable::use(pid_t pid, Clock::time_point now) {
  const auto found = places_.find(pid);
  if (found == places_.end()) return add(pid, now);
  const Place place = found->second;
  if (now - place->asked >= kTrust) {
    if (start_time_(pid) != place->started) {
      forget(place);
      return add(pid, now);
    }
    place->asked = now;
  }
  entries_.splice(entries_.begin(), entries_, place);
  return &place->counts;
}

TargetCounts* TargetTable::add(pid_t pid, Clock::time_point now) {
  const std::uint64_t started = start_time_(pid);
  if (started == 0) return nullptr;
  if (entries_.size() == kMost) forget(std::prev(entries_.end()));
  entries_.push_front({pid, started, now});
  places_.emplace(pid, entries_.begin());
  return &entries_.front().counts;
}

TargetTable::Place TargetTable::forget(Place place) {
  places_.erase(place->pid);
  return entries_.erase(place);
}

const std::list<TargetTable::Entry>& TargetTable::alive() {
  for (auto place = entries_.begin(); place != entries_.end();) {
    const bool gone = ::kill(place->pid, 0) != 0 && errno == ESRCH;
    place = gone ? forget(place) : std::next(place);
  }
  return entries_;
}

}  // namespace nsenterd::daemon
