// Waits for children without blocking (daemon, or a program that embeds the library).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include <sys/types.h>
#include <sys/wait.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/child_process.hpp"

namespace nsenterd::service {

class Reaper;

/// A child that the reaper waits for.
class WatchedChild : public std::enable_shared_from_this<WatchedChild> {
 public:
  using Handler = std::function<void(const base::ExitStatus&)>;

  WatchedChild(Reaper& reaper, const boost::asio::any_io_executor& executor, base::ChildProcess process,
               Handler handler);
  ~WatchedChild();
  WatchedChild(const WatchedChild&) = delete;
  WatchedChild& operator=(const WatchedChild&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] int pidfd() const noexcept { return process_.pidfd(); }
  /// Whom to tell from now on.
  void set_handler(Handler handler) { handler_ = std::move(handler); }
  /// Whether it may leave processes behind in the group that it leads (setpgid(2)): they are killed before it is reaped.
  void set_leads_group() noexcept { leads_group_ = true; }
  /// SIGKILL; the handler is still called.
  void kill() const noexcept { process_.kill(); }

 private:
  friend class Reaper;
  void wait();
  void look();
  void kill_group() const noexcept;
  /// Whether the child has ended and has been reaped.
  bool try_reap(base::ExitStatus& status);

  Reaper* reaper_;
  base::ChildProcess process_;
  // Watches the process's pidfd, which stays the process's. Not open where that is not to be had.
  boost::asio::posix::stream_descriptor ended_;
  Handler handler_;
  bool leads_group_ = false;
};

/// Owns all children of a service from their fork until they have been reaped.
class Reaper {
 public:
  explicit Reaper(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  /// Gives children up that are still there: they are not waited for.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Calls `handler` once the child has ended and has been reaped. The child stays watched if the result is
  /// dropped.
  std::shared_ptr<WatchedChild> watch(base::ChildProcess process, WatchedChild::Handler handler);

  /// Kills and reaps the children of a process group that nobody holds a pidfd of; `done` is called when there are none,
  /// which may be at once.
  void reap_group(pid_t group, const std::function<void()>& done);
  /// The same for one child, of which only the number is known.
  void reap_process(pid_t pid);
  /// Reaps, as they end, those children of a process group that nobody watches; the others are left to who does. Those that
  /// are left when end_all() is called are killed.
  void reap_unknown(pid_t group);

  /// Kills all children and waits for them, blocking, for at most `patience`; the handlers of those that have ended are called, and
  /// what these have reaped is waited for as well.
  /// No handler is called any more afterwards.
  void end_all(std::chrono::milliseconds patience);

 private:
  friend class WatchedChild;

  /// As waitid(2) names them: a child, or the children of a group.
  using Unheld = std::pair<idtype_t, pid_t>;

  void reap_unheld(Unheld unheld, const std::function<void()>& done);
  void reap_unknown_after(pid_t group, std::chrono::milliseconds pause);
  [[nodiscard]] bool watches(pid_t pid) const;
  void after(std::chrono::milliseconds pause, std::function<void()> action);

  boost::asio::any_io_executor executor_;
  std::unordered_set<std::shared_ptr<WatchedChild>> children_;
  // Children, and groups of them, of which some may be left that nobody watches; and what is to be called when none is.
  std::map<Unheld, std::function<void()>> unheld_;
  // Of end_all(), once that has begun.
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::shared_ptr<const Reaper*> alive_ = std::make_shared<const Reaper*>(this);
};

}  // namespace nsenterd::service
