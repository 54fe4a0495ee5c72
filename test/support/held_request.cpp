#include "support/held_request.hpp"

#include <stdexcept>

#include <poll.h>

#include "support/processes.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {

HeldRequest::HeldRequest(ServedContainer& served, const Json& parameters)
    : served_(served), client_(served.daemon().socket()) {
  client_.send(Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0');
  const auto answered = [this] {
    pollfd readable{client_.descriptor(), POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
  };
  wait_until([&] { return is_held() || answered(); });
  if (!is_held()) {
    throw std::runtime_error("not held: " +
                             (answered() ? client_.receive().value_or("disconnected") : "no reply"));
  }
  agent_ = served_.daemon().agents().front();
}

HeldRequest::~HeldRequest() {
  client_.close();
  wait_until([this] { return served_.daemon().pid() == 0 || served_.daemon().agents().empty(); });
}

bool HeldRequest::is_held() const {
  const auto agents = served_.daemon().agents();
  return agents.size() == 1 && StalledMount::holds(agents.front());
}

}  // namespace nsenterd::test
