#include "service/reaper.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

#include <boost/asio/steady_timer.hpp>

namespace nsenterd::service {
namespace {

// Between two looks at children that no pidfd tells of.
constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{1000};
// The same at the end, when everything else waits.
constexpr std::chrono::milliseconds kLastPause{1};
// The same, where there is a pidfd, but not the means to watch it.
constexpr std::chrono::milliseconds kUnwatchedPause{100};

}  // namespace

WatchedChild::WatchedChild(Reaper& reaper, const boost::asio::any_io_executor& executor,
                           base::ChildProcess process, Handler handler)
    : reaper_(&reaper), process_(std::move(process)), ended_(executor), handler_(std::move(handler)) {
  boost::system::error_code refused;
  ended_.assign(process_.pidfd(), refused);
}

WatchedChild::~WatchedChild() {
  ended_.release();
}

void WatchedChild::wait() {
  // The kernel may have refused to let the event loop watch another descriptor. It is a child all the same.
  if (!ended_.is_open())
    return reaper_->after(kUnwatchedPause, [self = shared_from_this()] { self->look(); });
  ended_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                      if (!error) self->look();
                    });
}

void WatchedChild::look() {
  if (reaper_ == nullptr) return;
  base::ExitStatus status;
  if (!try_reap(status)) return wait();
  reaper_->children_.erase(shared_from_this());
  if (auto handler = std::exchange(handler_, nullptr)) handler(status);
}

/// While the child is not reaped, its number is not another's, and neither is its group's.
void WatchedChild::kill_group() const noexcept {
  pollfd ended{process_.pidfd(), POLLIN, 0};
  if (process_.pid() > 1 && ::poll(&ended, 1, 0) == 1) ::kill(-process_.pid(), SIGKILL);
}

bool WatchedChild::try_reap(base::ExitStatus& status) {
  if (leads_group_) kill_group();
  const auto result = process_.try_wait();
  if (!result) return false;
  status = *result;
  return true;
}

Reaper::~Reaper() {
  for (const auto& child : children_) {
    child->reaper_ = nullptr;
    child->process_.abandon();
  }
}

std::shared_ptr<WatchedChild> Reaper::watch(base::ChildProcess process, WatchedChild::Handler handler) {
  auto child = std::make_shared<WatchedChild>(*this, executor_, std::move(process), std::move(handler));
  children_.insert(child);
  child->wait();
  return child;
}

void Reaper::reap_group(pid_t group, const std::function<void()>& done) {
  reap_unheld({P_PGID, group}, done);
}

void Reaper::reap_process(pid_t pid) {
  reap_unheld({P_PID, pid}, [] {});
}

void Reaper::reap_unheld(Unheld unheld, const std::function<void()>& done) {
  const auto [type, id] = unheld;
  for (;;) {
    siginfo_t info{};
    do {
      if (base::wait_for_child(type, static_cast<id_t>(id), WNOHANG, info) < 0) return done();
    } while (info.si_pid != 0);
    // One is left, and will be until it is reaped here: so the number is still its own, or its group's.
    ::kill(type == P_PGID ? -id : id, SIGKILL);
    if (!deadline_) break;
    // Nobody will come back to it.
    if (std::chrono::steady_clock::now() >= *deadline_) return;
    std::this_thread::sleep_for(kLastPause);
  }
  unheld_[unheld] = done;
  after(kFirstPause, [this, unheld] {
    // Unless end_all() has come before.
    if (const auto left = unheld_.extract(unheld)) reap_unheld(unheld, left.mapped());
  });
}

void Reaper::reap_unknown(pid_t group) {
  unheld_[{P_PGID, group}] = [] {};
  reap_unknown_after(group, kFirstPause);
}

void Reaper::reap_unknown_after(pid_t group, std::chrono::milliseconds pause) {
  siginfo_t info{};
  for (;;) {
    if (base::wait_for_child(P_PGID, static_cast<id_t>(group), WNOHANG | WNOWAIT | WSTOPPED, info) < 0) {
      unheld_.erase({P_PGID, group});
      return;
    }
    if (info.si_pid == 0 || watches(info.si_pid)) break;
    if (info.si_code == CLD_STOPPED) {
      // By somebody in the container: it would not come to its end by itself.
      ::kill(info.si_pid, SIGKILL);
      break;
    }
    base::wait_for_child(P_PID, static_cast<id_t>(info.si_pid), WNOHANG, info);
  }
  after(pause, [this, group, pause] { reap_unknown_after(group, std::min(2 * pause, kLongestPause)); });
}

bool Reaper::watches(pid_t pid) const {
  return std::any_of(children_.begin(), children_.end(),
                     [pid](const auto& child) { return child->pid() == pid; });
}

void Reaper::after(std::chrono::milliseconds pause, std::function<void()> action) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor_, pause);
  timer->async_wait([timer, alive = std::weak_ptr(alive_),
                     action = std::move(action)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) action();
  });
}

void Reaper::end_all(std::chrono::milliseconds patience) {
  for (const auto& child : children_) child->kill();
  std::vector<std::pair<std::shared_ptr<WatchedChild>, base::ExitStatus>> reaped;
  deadline_ = std::chrono::steady_clock::now() + patience;
  std::erase_if(children_, [&](const auto& child) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    pollfd ended{child->pidfd(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0})));
    base::ExitStatus status;
    if (!child->try_reap(status)) return false;
    child->reaper_ = nullptr;
    reaped.emplace_back(child, status);
    return true;
  });
  const auto all_unheld = std::exchange(unheld_, {});
  for (const auto& [unheld, done] : all_unheld) reap_unheld(unheld, done);
  // Those who wait for the end of a process may own what owns this.
  for (const auto& [child, status] : reaped) {
    if (const auto handler = std::exchange(child->handler_, nullptr)) handler(status);
  }
  for (const auto& child : children_) child->handler_ = nullptr;
}

}  // namespace nsenterd::service
