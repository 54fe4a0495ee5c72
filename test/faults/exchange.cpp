#include "faults/exchange.hpp"

#include <poll.h>
#include <sys/socket.h>

#include "faults/stalls.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;

milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

}  // namespace

std::string outcome_of(const Json& reply) {
  if (reply.contains("error")) {
    const std::string name = reply["error"];
    return name.substr(name.rfind('.') + 1);
  }
  return reply["parameters"]["response"]["message"] == "errorResponse" ? "error response" : "response";
}

Json parameters_for(pid_t target, const Json& message, const Json& more) {
  Json parameters{{"pid", target},
                  {"namespace", kContainerNamespaces},
                  {"timeoutMilliseconds", kDeadline.count()},
                  {"request", message}};
  parameters.update(more);
  return parameters;
}

Exchange::Exchange(const std::filesystem::path& socket, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) clients_.emplace_back(socket);
}

void Exchange::greet() {
  for (RawClient& client : clients_) client.call("org.varlink.service.GetInfo");
}

void Exchange::send(const Json& parameters) {
  const std::string call =
      Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0';
  stalled_before_ = Stalls::of_machine().total();
  sent_ = Clock::now();
  for (RawClient& client : clients_) client.send(call);
}

void Exchange::disconnect() const {
  for (const RawClient& client : clients_) ::shutdown(client.descriptor(), SHUT_RDWR);
}

std::vector<Ending> Exchange::endings(milliseconds limit) {
  std::vector<Ending> endings(clients_.size(), {"none", limit});
  std::vector<pollfd> waiting;
  for (const RawClient& client : clients_) waiting.push_back({client.descriptor(), POLLIN, 0});
  for (std::size_t left = clients_.size(); left > 0;) {
    const auto time = limit - since(sent_);
    if (time.count() <= 0 || ::poll(waiting.data(), waiting.size(), static_cast<int>(time.count())) == 0)
      break;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const auto reply = clients_[i].receive();
      endings[i] = {reply ? outcome_of(Json::parse(*reply)) : "closed", time_taken()};
      // poll(2) passes over it from now on.
      waiting[i].fd = -1;
      --left;
    }
  }
  return endings;
}

milliseconds Exchange::time_taken() const {
  return since(sent_) - (Stalls::of_machine().total() - stalled_before_);
}

bool Exchange::more_came() {
  for (RawClient& client : clients_) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    if (::poll(&readable, 1, 0) == 1 && client.receive()) return true;
  }
  return false;
}

}  // namespace nsenterd::test
