// Asks the fork server for agents, and replaces it when it has ended or does not answer (daemon, or a program that embeds
// the library).
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/unique_fd.hpp>

#include "base/child_process.hpp"
#include "launch/fork_server_process.hpp"
#include "nsjoin/join_plan.hpp"
#include "nsjoin/step.hpp"
#include "service/reaper.hpp"

namespace nsenterd::service {

class Spawner {
 public:
  /// The forked process, or why there is none.
  using Outcome = std::variant<base::ChildProcess, nsjoin::StepFailure>;
  using Handler = std::function<void(Outcome)>;

  /// The reaper outlives the spawner.
  Spawner(boost::asio::any_io_executor executor, Reaper& reaper, launch::Program program)
      : executor_(std::move(executor)), reaper_(reaper), program_(std::move(program)), watchdog_(executor_) {}

  /// Starts the fork server and waits, blocking, until it is ready.
  base::Result<void> start(std::chrono::milliseconds patience);

  /// Called when a fork server has been started in place of one that was given up.
  void on_restarted(std::function<void()> handler) { restarted_ = std::move(handler); }

  /// Asks for an agent; the handler is called once, never from within this call. The descriptors are its end of the event's
  /// socketpair, then what the plan asks for (nsjoin::Places). They stay the caller's and may be closed at once.
  void spawn(const nsjoin::JoinPlan& plan, std::span<const int> descriptors, Handler handler);

  /// Ends the fork server. Handlers that wait are dropped.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Pending {
    std::uint64_t id;
    Handler handler;
    Clock::time_point since;
  };

  base::Result<void> launch();
  void wait_for_reply();
  void on_reply(launch::ReceivedReply received);
  /// Sees to it that a fork server which does not answer, though it lives, is given up.
  void watch();
  /// The fork server is of no use any more: everybody who waits for it is told so; the next spawn starts
  /// another.
  void give_up(int error);
  void kill_server();
  void fail_later(Handler handler, const nsjoin::StepFailure& failure);

  boost::asio::any_io_executor executor_;
  Reaper& reaper_;
  launch::Program program_;
  std::shared_ptr<WatchedChild> process_;
  // Null when no fork server runs.
  std::shared_ptr<boost::asio::posix::stream_descriptor> control_;
  // In the order of their requests, which is that of the replies.
  std::deque<Pending> pending_;
  std::uint64_t next_id_ = 1;
  boost::asio::steady_timer watchdog_;
  bool watching_ = false;
  std::function<void()> restarted_;
  std::shared_ptr<const Spawner*> alive_ = std::make_shared<const Spawner*>(this);
};

}  // namespace nsenterd::service
