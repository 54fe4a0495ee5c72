#include "service/reaper.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <poll.h>
#include <sys/wait.h>

#include <boost/asio/steady_timer.hpp>

namespace nsenterd::service {

WatchedChild::WatchedChild(Reaper& reaper, const boost::asio::any_io_executor& executor,
                           base::ChildProcess process, Handler handler)
    : reaper_(&reaper),
      process_(std::move(process)),
      ended_(executor, process_.pidfd()),
      handler_(std::move(handler)) {}

WatchedChild::~WatchedChild() {
  ended_.release();
}

void WatchedChild::wait() {
  ended_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                      if (error || self->reaper_ == nullptr) return;
                      base::ExitStatus status;
                      if (!self->try_reap(status)) return self->wait();
                      self->reaper_->children_.erase(self);
                      if (auto handler = std::exchange(self->handler_, nullptr)) handler(status);
                    });
}

bool WatchedChild::try_reap(base::ExitStatus& status) {
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
  constexpr std::chrono::milliseconds kPause{10};
  for (;;) {
    siginfo_t info{};
    const int result = ::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG | __WALL);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return done();
    if (info.si_pid == 0) break;
  }
  // One is left, and will be until it is reaped here: so the number is that of its group, and of no other.
  ::kill(-group, SIGKILL);
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor_, kPause);
  timer->async_wait(
      [this, timer, alive = std::weak_ptr(alive_), group, done](const boost::system::error_code& error) {
        if (!error && !alive.expired()) reap_group(group, done);
      });
}

void Reaper::end_all(std::chrono::milliseconds patience) {
  for (const auto& child : children_) {
    child->kill();
    child->handler_ = nullptr;
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::erase_if(children_, [&](const auto& child) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ended{child->pidfd(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0})));
    base::ExitStatus status;
    if (!child->try_reap(status)) return false;
    child->reaper_ = nullptr;
    return true;
  });
}

}  // namespace nsenterd::service
