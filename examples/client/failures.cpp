// What comes instead of an answer.
#include <cerrno>
#include <chrono>
#include <stop_token>
#include <thread>
#include <variant>

#include "ways.hpp"

namespace client_messages {

using namespace nsenterd::requests;

// The operation was tried, and failed. Whoever answers a system call of the container's, such as a FUSE server, passes the errno on.
std::string operation_failed(Container& container) {
  const auto info = container.client.request(container.envelope, Lookup{.path = "/does/not/exist"});
  expect(!info, "/does/not/exist exists");
  const nsenterd::ClientFailure failure = info.error();
  const auto* failed = std::get_if<nsenterd::OperationFailed>(&failure);
  expect(failed != nullptr && failed->error == ENOENT, "another failure");
  expect(nsenterd::errno_of(failure) == ENOENT, "another errno");
  return to_string(failure);
}

// The daemon has killed the agent. Without a timeout of the envelope's it does so after its default.
std::string timed_out(Container& container) {
  nsenterd::Envelope envelope = container.envelope;
  envelope.timeout = std::chrono::milliseconds(100);
  const auto slept = container.client.request(envelope, Sleep{.seconds = 60});
  expect(!slept && std::holds_alternative<nsenterd::TimedOut>(slept.error()), "another end");
  expect(nsenterd::errno_of(slept.error()) == ETIMEDOUT, "another errno");
  return to_string(slept.error());
}

// Another thread says that nobody wants the answer any more. The daemon ends the agent.
std::string cancelled(Container& container) {
  std::stop_source stop;
  const std::jthread impatient([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto slept = container.client.request(container.envelope, Sleep{.seconds = 60}, stop.get_token());
  expect(!slept && std::holds_alternative<nsenterd::Cancelled>(slept.error()), "another end");
  return to_string(slept.error());
}

}  // namespace client_messages
