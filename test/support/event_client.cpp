#include "support/event_client.hpp"

#include <csignal>
#include <stdexcept>
#include <utility>

#include "support/processes.hpp"

namespace nsenterd::test {

Json event_parameters(pid_t pid, const Json& message, Json more) {
  more["request"] = message;
  if (!more.contains("targetEvent")) more["pid"] = pid;
  if (!more.contains("namespace")) more["namespace"] = kContainerNamespaces;
  return more;
}

Json async_parameters(pid_t pid, const Json& message, Json more) {
  more["async"] = true;
  return event_parameters(pid, message, std::move(more));
}

void EventClient::begin(const std::string& method, const Json& parameters, bool more) {
  const Json call{{"method", "io.nsenterd." + method}, {"parameters", parameters}, {"more", more}};
  if (!send(call.dump() + '\0')) throw std::runtime_error("the connection was closed");
}

Json EventClient::reply() {
  const auto text = receive();
  if (!text) throw std::runtime_error("the connection was closed without a reply");
  return Json::parse(*text);
}

Json EventClient::start(pid_t pid, const Json& message, Json more) {
  Json reply = ask("SendRequest", async_parameters(pid, message, std::move(more)));
  if (reply.contains("error")) throw std::runtime_error("an event did not start: " + reply.dump());
  return reply.at("parameters");
}

std::string EventClient::start_sleep(pid_t pid, Json more) {
  if (!more.contains("timeoutMilliseconds")) more["timeoutMilliseconds"] = 60000;
  return start(pid, sleep_request(60), std::move(more)).at("event").get<std::string>();
}

Json EventClient::events() {
  return ask("ListEvents").at("parameters").at("events");
}

Json EventClient::statistics() {
  return ask("GetStatistics").at("parameters");
}

Json statistics_of(const Json& statistics, const std::string& message) {
  for (const Json& element : statistics.at("messages")) {
    if (element.at("message") == message) return element;
  }
  return nullptr;
}

bool nothing_left(const Daemon& daemon, std::size_t descriptors) {
  return wait_until(
      [&] { return daemon.agents().empty() && descriptors_of(daemon.pid()).size() == descriptors; });
}

Stopped::Stopped(pid_t pid) : pid_(pid) {
  ::kill(pid_, SIGSTOP);
  // The signal has been sent, not yet obeyed.
  if (!wait_until([&] { return status_field(pid_, "State").starts_with("T"); })) {
    throw std::runtime_error("a process does not stop");
  }
}

Stopped::~Stopped() {
  ::kill(pid_, SIGCONT);
}

}  // namespace nsenterd::test
