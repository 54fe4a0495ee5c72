#include "service/spawner.hpp"

#include <cerrno>
#include <utility>

#include <poll.h>

#include <boost/asio/post.hpp>

#include "service/take_over.hpp"

namespace nsenterd::service {

using nsjoin::Step;
using nsjoin::StepFailure;

namespace {

/// How long a fork server may take for a request, which is a fork and three other system calls.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

base::Result<void> Spawner::launch() {
  auto server = launch::start_fork_server(program_);
  if (!server) return server.error();
  auto control = std::make_shared<boost::asio::posix::stream_descriptor>(executor_);
  auto watched = take_over(*control, std::move(server->control));
  process_ = reaper_.watch(std::move(server->process), nullptr);
  if (!watched) {
    process_->kill();
    process_.reset();
    return watched;
  }
  control_ = std::move(control);
  return {};
}

base::Result<void> Spawner::start(std::chrono::milliseconds patience) {
  if (auto launched = launch(); !launched) return launched;
  pollfd readable{control_->native_handle(), POLLIN, 0};
  const int ready = ::poll(&readable, 1, static_cast<int>(patience.count()));
  auto received = ready == 1 ? launch::receive_spawn_reply(control_->native_handle())
                             : base::Result<launch::ReceivedReply>(base::SystemError{"start", ETIMEDOUT});
  base::Result<void> result;
  if (!received) {
    result = received.error();
  } else if (received->reply.failure.step != Step::none) {
    result = base::SystemError{"start", received->reply.failure.error};
  }
  if (result) {
    wait_for_reply();
  } else {
    stop();
  }
  return result;
}

void Spawner::spawn(const nsjoin::JoinPlan& plan, std::span<const int> descriptors, Handler handler) {
  if (control_ == nullptr) {
    if (auto launched = launch(); !launched) {
      return fail_later(std::move(handler), {Step::fork, 0, launched.error().error});
    }
    wait_for_reply();
    if (restarted_) restarted_();
  }
  const launch::SpawnRequest request{next_id_++, plan};
  const auto sent = launch::send_spawn_request(control_->native_handle(), request, descriptors);
  if (!sent) return fail_later(std::move(handler), {Step::fork, 0, sent.error().error});
  pending_.push_back({request.id, std::move(handler), Clock::now()});
  watch();
}

void Spawner::stop() {
  if (process_) kill_server();
  while (control_ != nullptr) {
    auto received = launch::receive_spawn_reply(control_->native_handle());
    if (!received) break;
    // Forked, but nobody waits for it any more. Without a request it does nothing; it only has to be reaped.
    if (received->pidfd) {
      reaper_.watch(base::ChildProcess(received->reply.pid, std::move(received->pidfd)), nullptr)->kill();
    }
  }
  control_.reset();
  pending_.clear();
  watchdog_.cancel();
}

void Spawner::wait_for_reply() {
  control_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [this, control = std::weak_ptr(control_)](const boost::system::error_code& error) {
                         // Closed, perhaps with the spawner.
                         if (error || control.expired()) return;
                         for (;;) {
                           auto received = launch::receive_spawn_reply(control_->native_handle());
                           if (!received && received.error().error == EAGAIN) return wait_for_reply();
                           if (!received) return give_up(received.error().error);
                           on_reply(std::move(*received));
                           if (control.expired()) return;
                         }
                       });
}

void Spawner::on_reply(launch::ReceivedReply received) {
  const launch::SpawnReply& reply = received.reply;
  // A fork server that was started again reports that it is ready.
  if (reply.id == 0 && reply.failure.step == Step::none) return;
  if (pending_.empty() || pending_.front().id != reply.id) {
    return give_up(reply.failure.step == Step::none ? EPROTO : reply.failure.error);
  }
  Handler handler = std::move(pending_.front().handler);
  pending_.pop_front();
  if (reply.failure.step != Step::none) return handler(reply.failure);
  if (!received.pidfd) {
    reaper_.reap_process(reply.pid);
    return handler(StepFailure{Step::fork, 0, EMFILE});
  }
  handler(base::ChildProcess(reply.pid, std::move(received.pidfd)));
}

void Spawner::watch() {
  if (watching_ || pending_.empty()) return;
  watching_ = true;
  // Once for all that wait, not once for each.
  watchdog_.expires_at(pending_.front().since + kPatience);
  watchdog_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired()) return;
    watching_ = false;
    const bool stuck = !pending_.empty() && pending_.front().since + kPatience <= Clock::now();
    return stuck ? give_up(ETIMEDOUT) : watch();
  });
}

void Spawner::give_up(int error) {
  control_.reset();
  kill_server();
  for (Pending& pending : std::exchange(pending_, {})) pending.handler(StepFailure{Step::fork, 0, error});
}

void Spawner::kill_server() {
  process_->kill();
  // It may have forked children that it could not tell of any more. It leads the group that they are in.
  reaper_.reap_unknown(process_->pid());
  process_.reset();
}

void Spawner::fail_later(Handler handler, const StepFailure& failure) {
  boost::asio::post(executor_, [handler = std::move(handler), failure] { handler(failure); });
}

}  // namespace nsenterd::service
