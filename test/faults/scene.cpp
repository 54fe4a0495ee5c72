#include "faults/scene.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

/// What else the machine has to do is no part of what happens here: all processes of the suite go ahead of it (sched(7)), where
/// that is allowed. An agent may wait for a processor for seconds otherwise.
bool go_ahead_of_others() {
  const sched_param least{1};
  return ::sched_setscheduler(0, SCHED_RR, &least) == 0;
}

// Before there are other threads and processes, which inherit it.
[[maybe_unused]] const bool kGoesAhead = go_ahead_of_others();

/// In clock ticks since the machine was started; 0 if the process is gone.
unsigned long long start_time(pid_t pid) {
  try {
    const std::string text = read_file(proc_path(pid, "stat"));
    std::istringstream fields(text.substr(text.rfind(')')));
    std::string skipped;
    // proc(5): the 22nd, where ")" ends the second.
    for (int field = 2; field < 22; ++field) fields >> skipped;
    unsigned long long start = 0;
    fields >> start;
    return start;
  } catch (const std::system_error&) {
    return 0;
  }
}

}  // namespace

Scene::Scene(const std::vector<std::string>& options) : daemon_(options), daemon_pid_(daemon_.pid()) {
  // What is there once and for all is there now.
  if (!serves_within(std::chrono::seconds(5))) throw std::runtime_error("the daemon does not serve");
  wait_until([this] { return daemon_.agents().empty(); });
  // Connections that have been closed, and children that have been reaped, are noticed one after the other.
  for (int same = 0; same < 10; ++same) {
    const std::size_t now = descriptors_of(daemon_pid_).size();
    if (std::exchange(descriptors_, now) != now) same = 0;
    ::usleep(3000);
  }
  neighbour_.emplace(daemon_.socket(), other_.pid());
}

bool Scene::daemon_has_ended() const {
  return !process_exists(daemon_pid_) || status_field(daemon_pid_, "State").starts_with("Z");
}

pid_t Scene::fork_server() const {
  pid_t newest = 0;
  unsigned long long newest_start = 0;
  for (const pid_t child : children_of(daemon_pid_)) {
    // It leads a session; its forks are in that.
    if (::getsid(child) != child || status_field(child, "State").starts_with("Z")) continue;
    const auto start = start_time(child);
    if (newest == 0 || start > newest_start) newest = child;
    newest_start = std::max(start, newest_start);
  }
  return newest;
}

bool Scene::serves_within(milliseconds limit) {
  const Json parameters = parameters_for(target_->pid(), read_request("/proc/sys/kernel/hostname"));
  return wait_until(
      [&] {
        Exchange exchange(daemon_.socket(), 1);
        exchange.send(parameters);
        return exchange.endings(limit).front().outcome == "response";
      },
      limit);
}

void Scene::limit_descriptors(std::size_t most) const {
  rlimit limit{};
  ::prlimit(daemon_pid_, RLIMIT_NOFILE, nullptr, &limit);
  // The soft limit alone: nobody may raise the other one.
  limit.rlim_cur = most > 0 ? most : limit.rlim_max;
  ::prlimit(daemon_pid_, RLIMIT_NOFILE, &limit, nullptr);
}

std::string Scene::left_over() {
  if (daemon_has_ended()) return "the daemon has ended: " + daemon_.log();
  const auto kept = [this] {
    const auto server = fork_server();
    const std::size_t processes = children_of(daemon_pid_).size() - (server != 0 ? 1 : 0);
    const auto descriptors = descriptors_of(daemon_pid_).size();
    if (server != 0 && processes == 0 && descriptors <= descriptors_) return std::string();
    return std::to_string(processes) + " processes, " + std::to_string(descriptors) +
           " descriptors instead of " + std::to_string(descriptors_) +
           (server == 0 ? ", no fork server" : "");
  };
  // Those whose fork server has died are looked for less and less often.
  wait_until([&] { return kept().empty(); }, std::chrono::seconds(4));
  return kept();
}

}  // namespace nsenterd::test
