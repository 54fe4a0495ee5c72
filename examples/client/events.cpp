// Asynchronous events: an agent that goes on while its client does something else.
#include <chrono>
#include <variant>

#include <sched.h>

#include "ways.hpp"

namespace client_messages {

using nsenterd::BlockingEvent;
using nsenterd::Envelope;
using namespace nsenterd::requests;

// A new mount namespace below the container's, which lives for as long as the agent sleeps: others can be sent there.
std::string event_as_target(Container& container) {
  Envelope own_mounts = container.envelope;
  own_mounts.clone_flags = CLONE_NEWNS;
  own_mounts.timeout = std::chrono::minutes(1);
  BlockingEvent place = container.client.start(own_mounts, Sleep{.seconds = 60}.message()).value();
  const Envelope there{.target = nsenterd::TargetEvent{place.name()},
                       .namespaces = container.envelope.namespaces};
  const std::string table = container.client.request(there, MountInfo{}).value();
  expect(!table.empty(), "no mounts");
  container.client.terminate(place.name()).value();
  const auto end = container.client.receive(place);
  expect(!end && std::holds_alternative<nsenterd::Terminated>(end.error()), "another end");
  return "a mount table of " + std::to_string(table.size()) + " bytes; " + to_string(end.error());
}

// If the event were destroyed first, the daemon would end it.
std::string response_of_event(Container& container) {
  BlockingEvent event = container.client.start(container.envelope, ReadFile{.path = kFile}.message()).value();
  auto response = container.client.receive(event).value();
  const std::string content = ReadFile::decode(response).value();
  expect(content == kContent, "not what was written");
  return "read " + std::to_string(content.size()) + " bytes";
}

}  // namespace client_messages
