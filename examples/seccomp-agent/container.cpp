#include "container.hpp"

#include <cerrno>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace seccomp_agent {
namespace {

/// close(2) waits for the filesystem that the file is on, and a FUSE server of the container need not answer: on a thread of its own.
/// If there can be none, the descriptor stays open.
void close_aside(nsenterd::UniqueFd file, const boost::asio::any_io_executor& executor,
                 std::function<void()> done) {
  auto work = boost::asio::make_work_guard(executor);
  const int fd = file.release();
  try {
    std::thread([fd, work, done] {
      nsenterd::UniqueFd(fd).reset();
      boost::asio::post(work.get_executor(), done);
    }).detach();
  } catch (const std::system_error& failure) {
    spdlog::error("cannot close a file: {}", failure.what());
    done();
  }
}

}  // namespace

Container::Container(const boost::asio::any_io_executor& executor, ContainerProcess process,
                     nsenterd::UniqueFd seccomp_fd, const HandlerTable& handlers, std::size_t most_calls)
    : process_(std::make_shared<ContainerProcess>(std::move(process))),
      notify_(std::make_shared<NotifyFd>(std::move(seccomp_fd))),
      waiter_(executor, notify_->get()),
      handlers_(handlers),
      most_calls_(most_calls) {}

Container::~Container() {
  // It is notify_'s.
  if (waiter_.is_open()) waiter_.release();
}

void Container::start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  wait();
}

void Container::stop() {
  stopped_ = true;
  if (waiter_.is_open()) waiter_.release();
}

void Container::wait() {
  // At the limit the kernel keeps the calls, and their threads wait: this container's own.
  if (stopped_ || waits_ || calls_ >= most_calls_) return;
  waits_ = true;
  waiter_.async_wait(waiter_.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->waits_ = false;
    if (error || self->stopped_) return;
    try {
      self->look();
    } catch (const std::exception& failure) {
      spdlog::error("{}: {}", self->process_->container, failure.what());
      self->end();
    }
    // One call at a time, so that no container keeps the others waiting.
    self->wait();
  });
}

void Container::look() {
  switch (notify_->state()) {
    case NotifyFd::State::nothing: return;
    case NotifyFd::State::ended: return end();
    case NotifyFd::State::notification:
      if (const auto notification = notify_->receive()) serve(*notification);
  }
}

void Container::serve(const Notification& notification) {
  const auto call =
      std::make_shared<const Call>(Call{process_, notify_, notification, name_of(notification)});
  const Reply reply = [self = shared_from_this(), call](const Answer& answer) {
    self->answer(*call, answer);
  };
  ++calls_;
  try {
    handlers_.find (*call)(call, reply);
  } catch (const std::exception& failure) {
    spdlog::error("{}: {}: {}", process_->container, call->name, failure.what());
    reply(to_answer(Errno{EIO}));
  }
}

void Container::answer(const Call& call, const Answer& answer) {
  try {
    notify_->respond(call.notification.id, answer);
  } catch (const std::exception& failure) {
    spdlog::error("{}: {}: {}", process_->container, call.name, failure.what());
  }
  const auto* file = std::get_if<NewFile>(&answer);
  if (file == nullptr) return finish_call();
  // Until its file is closed the call counts, which limits how many threads a container can hold up.
  close_aside(std::move(*file->file), waiter_.get_executor(),
              [self = shared_from_this()] { self->finish_call(); });
}

void Container::finish_call() {
  --calls_;
  wait();
}

void Container::end() {
  if (std::exchange(stopped_, true)) return;
  waiter_.release();
  // Whoever is told may drop this.
  if (const auto on_end = std::move(on_end_)) on_end();
}

}  // namespace seccomp_agent
