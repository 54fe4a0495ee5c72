// A handler answers one system call; layers around it are handlers, too. (Agent.)
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "answer.hpp"
#include "container_process.hpp"
#include "notify_fd.hpp"

namespace seccomp_agent {

/// A system call on its way to an answer.
struct Call {
  std::shared_ptr<const ContainerProcess> process;
  std::shared_ptr<const NotifyFd> notify;
  Notification notification;
  /// Empty if it is unknown.
  std::string name;
};

/// To be called once, now or later, where the event loop runs.
using Reply = std::function<void(const Answer&)>;
using Handler = std::function<void(const std::shared_ptr<const Call>& call, Reply reply)>;

}  // namespace seccomp_agent
